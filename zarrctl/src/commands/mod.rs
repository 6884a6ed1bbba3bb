//! The subcommands, one file each. Each file has the arguments and a function that runs the
//! subcommand with them.

pub(crate) mod attrs;
pub(crate) mod cat;
pub(crate) mod check;
pub(crate) mod compact;
pub(crate) mod copy;
mod copy_target;
pub(crate) mod create;
pub(crate) mod diff;
pub(crate) mod du;
pub(crate) mod explain;
pub(crate) mod info;
pub(crate) mod ls;
pub(crate) mod manifest;
pub(crate) mod nodes;
pub(crate) mod pages;
pub(crate) mod rechunk;
pub(crate) mod repair;
pub(crate) mod report;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod stats;
pub(crate) mod sweep;
pub(crate) mod tree;
