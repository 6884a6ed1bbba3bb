//! `zarrctl explain`: what a read or a write will do, before it does it.

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::context::Context;
use crate::failure::{Outcome, Result};
use crate::selection::{Axis, Selected};
use crate::text;

/// Print the plan of a read or write: requests, bytes, amplification and cost
#[derive(Debug, Args)]
#[command(after_help = "\
Reads the metadata document and nothing else. Bytes are those of decoded chunks:
stored bytes are fewer if the codecs compress.

Examples:
  zarrctl explain data.zarr/temperature 'time=0'
  zarrctl explain s3://bucket/data.zarr/temperature ':,100,100' --prices s3
  zarrctl explain data.zarr/temperature '0:10' --write")]
pub(crate) struct Explain {
    #[command(flatten)]
    selected: Selected,
    /// Explain a write
    #[arg(long)]
    write: bool,
    /// The list prices to use, in US dollars
    #[arg(long, value_name = "SERVICE", default_value = "s3")]
    prices: Service,
    /// The price of 1000 reads, in place of the list price
    #[arg(long, value_name = "DOLLARS")]
    get_price: Option<f64>,
    /// The price of 1000 writes, in place of the list price
    #[arg(long, value_name = "DOLLARS")]
    put_price: Option<f64>,
    /// The price of a gigabyte that leaves the service; 0 inside one region
    #[arg(long, value_name = "DOLLARS", default_value_t = 0.0)]
    transfer_price: f64,
}

/// Services with list prices for 1000 reads and 1000 writes of their standard class.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Service {
    /// Amazon S3, us-east-1
    S3,
    /// Google Cloud Storage, one region
    Gcs,
    /// Azure Blob Storage, hot tier
    Azure,
    /// Cloudflare R2
    R2,
}

impl Service {
    fn prices(self) -> (f64, f64) {
        match self {
            Self::S3 => (0.0004, 0.005),
            Self::Gcs => (0.0004, 0.005),
            Self::Azure => (0.0005, 0.0065),
            Self::R2 => (0.00036, 0.0045),
        }
    }
}

pub(crate) fn run(context: &Context, args: &Explain) -> Result<Outcome> {
    let (source, selection) = args.selected.open(context)?;
    let (array, place) = (source.array()?, source.location());
    let (get, put) = args.prices.prices();
    let prices = (args.get_price.unwrap_or(get), args.put_price.unwrap_or(put));
    if args.write {
        return write(context, (&array, place), &selection, prices);
    }
    let plan = array.plan_read(&selection)?;
    let cost = plan.cost();
    let item = array.data_type().fixed_size().unwrap_or(0) as u64;
    let (wanted, decoded) = (
        cost.wanted.saturating_mul(item),
        cost.decoded.saturating_mul(item),
    );
    let amplification = cost.decoded as f64 / cost.wanted.max(1) as f64;
    let dollars =
        cost.requests as f64 * prices.0 / 1000.0 + decoded as f64 / 1e9 * args.transfer_price;
    let printed = json!({
        "path": array.path().to_string(), "operation": "read",
        "objects": cost.objects, "requests": cost.requests, "inner_chunks": cost.inner,
        "wanted_elements": cost.wanted, "wanted_nbytes": wanted,
        "decoded_elements": cost.decoded, "decoded_nbytes": decoded,
        "amplification": amplification, "dollars": dollars,
    });
    context.print(&printed, || {
        let rows = vec![
            ("Wanted", text::size(wanted)),
            ("Decoded", text::size(decoded)),
            ("Amplification", format!("{amplification:.2}")),
            ("Objects", text::count(cost.objects)),
            ("Requests", text::count(cost.requests)),
            ("Cost", money(dollars)),
        ];
        drawn(&plan.to_string(), place, rows)
    })?;
    Ok(Outcome::Well)
}

fn write(
    context: &Context,
    (array, place): (&zarr::blocking::Array, &str),
    selection: &Vec<Axis>,
    prices: (f64, f64),
) -> Result<Outcome> {
    let plan = array.plan_write(selection)?;
    let (objects, requests) = (plan.len(), plan.requests());
    // A replaced object is one write; a modified object is a read and a write.
    let reads = requests.saturating_sub(objects);
    let dollars = (reads as f64 * prices.0 + objects as f64 * prices.1) / 1000.0;
    let whole = objects.saturating_mul(plan.decoded_object_size());
    let amplification = whole as f64 / plan.bytes().max(1) as f64;
    let printed = json!({
        "path": array.path().to_string(), "operation": "write",
        "objects": objects, "modified": reads, "requests": requests,
        "written_nbytes": plan.bytes(), "encoded_nbytes": whole,
        "amplification": amplification, "dollars": dollars,
    });
    context.print(&printed, || {
        let rows = vec![
            ("Written", text::size(plan.bytes())),
            ("Encoded", format!("{} at most", text::size(whole))),
            ("Amplification", format!("{amplification:.2}")),
            (
                "Objects",
                format!(
                    "{} ({} read first)",
                    text::count(objects),
                    text::count(reads)
                ),
            ),
            ("Requests", text::count(requests)),
            ("Cost", money(dollars)),
        ];
        drawn(&plan.to_string(), place, rows)
    })?;
    Ok(Outcome::Well)
}

fn money(dollars: f64) -> String {
    match dollars {
        _ if dollars >= 0.01 => format!("${dollars:.2}"),
        _ => format!("${dollars:.8}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
    }
}

fn drawn(plan: &str, place: &str, rows: Vec<(&str, String)>) -> String {
    // The array is the root of the source.
    let plan = plan.replacen(" of / (", &format!(" of {place} ("), 1);
    let lines = plan.lines().map(text::folded);
    lines.collect::<String>() + "\n" + &text::members(rows)
}
