//! The subcommands, one file each. Each file has the arguments and a function that runs the
//! subcommand with them.

pub(crate) mod check;
pub(crate) mod info;
pub(crate) mod pages;
pub(crate) mod repair;
pub(crate) mod tree;
