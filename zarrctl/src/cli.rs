//! The command line: its subcommands and its help.

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{
    attrs, cat, check, compact, copy, create, diff, du, explain, info, ls, manifest, nodes, pages,
    rechunk, repair, report, serve, show, stats, sweep, tree,
};
use crate::context::Context;
use crate::failure::{Outcome, Result};
use crate::global::Global;

const ABOUT: &str = "Look into, check, repair, copy, rechunk and compare any Zarr store";

const AFTER: &str = "\
Sources:
  A SOURCE is a path, or a URL that begins with s3://, gs://, az:// or https://.
  It may lead to any node of a hierarchy: data.zarr, s3://bucket/data.zarr/group.
  A zip archive is data.zip, and a node in it data.zip/group or
  s3://bucket/data.zip|zip:group. Zarr 3 and Zarr 2 are read.

Credentials and settings of a store come from --option, then from the environment
(AWS_ACCESS_KEY_ID, ...), then from the profile in ~/.aws.

Exit codes: 0 all is well, 1 findings or differences, 2 failure.

Examples:
  zarrctl tree data.zarr
  zarrctl info s3://bucket/data.zarr/temperature --option region=eu-central-1
  zarrctl info data.zip --json | jq .shape";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "zarrctl", version, about = ABOUT, after_help = AFTER, term_width = 80)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Tree(tree::Tree),
    Ls(ls::Ls),
    Info(info::Info),
    Du(du::Du),
    Cat(cat::Cat),
    Head(cat::Head),
    Show(show::Show),
    Stats(stats::Stats),
    Explain(explain::Explain),
    Attrs(attrs::Attrs),
    Rm(nodes::Rm),
    Mv(nodes::Mv),
    Create(create::Create),
    Append(create::Append),
    Consolidate(nodes::Consolidate),
    Convert(nodes::Convert),
    Diff(diff::Diff),
    Checksum(manifest::Checksum),
    Verify(manifest::Verify),
    Check(check::Check),
    Repair(repair::Repair),
    Compact(compact::Compact),
    Sweep(sweep::Sweep),
    Copy(copy::Copy),
    Rechunk(rechunk::Rechunk),
    Serve(serve::Serve),
    Report(report::Report),
    Completions(pages::Completions),
    Man(pages::Man),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<Outcome> {
        match self {
            Self::Tree(args) => tree::run(context, &args),
            Self::Ls(args) => ls::run(context, &args),
            Self::Info(args) => info::run(context, &args),
            Self::Du(args) => du::run(context, &args),
            Self::Cat(args) => cat::cat(context, &args),
            Self::Head(args) => cat::head(context, &args),
            Self::Show(args) => show::run(context, &args),
            Self::Stats(args) => stats::run(context, &args),
            Self::Explain(args) => explain::run(context, &args),
            Self::Attrs(args) => attrs::run(context, &args),
            Self::Rm(args) => nodes::rm(context, &args),
            Self::Mv(args) => nodes::mv(context, &args),
            Self::Create(args) => create::create(context, &args),
            Self::Append(args) => create::append(context, &args),
            Self::Consolidate(args) => nodes::consolidate(context, &args),
            Self::Convert(args) => nodes::convert(context, &args),
            Self::Diff(args) => diff::run(context, &args),
            Self::Checksum(args) => manifest::checksum(context, &args),
            Self::Verify(args) => manifest::verify(context, &args),
            Self::Check(args) => check::run(context, &args),
            Self::Repair(args) => repair::run(context, &args),
            Self::Compact(args) => compact::run(context, &args),
            Self::Sweep(args) => sweep::run(context, &args),
            Self::Copy(args) => copy::run(context, &args),
            Self::Rechunk(args) => rechunk::run(context, &args),
            Self::Serve(args) => serve::run(context, &args),
            Self::Report(args) => report::run(context, &args),
            Self::Completions(args) => pages::completions(context, &args, Cli::command()),
            Self::Man(args) => pages::man(context, &args, Cli::command()),
        }
    }
}
