//! Directories as web servers show them to people: pages of links (nginx's autoindex, Apache's mod_autoindex, and others). Names
//! are what links lead one step below the directory; everything else on a page is not of it.

use std::collections::VecDeque;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::{Attribute, GetOptions, GetResult};
use url::Url;

use super::ObjectBackend;
use crate::error::{Error, Result};
use crate::wire::{Directory, Landed};
use crate::{Entry, Listing, Store, key};

/// The largest page, in bytes.
const PAGE_MAX: u64 = 64 << 20;

impl ObjectBackend {
    /// The names directly below a prefix.
    pub(super) async fn list_page(&self, store: &Store, prefix: &str) -> Result<Listing> {
        let path = self.path(store, prefix)?;
        let (backend, owned, place) = (self.clone(), store.clone(), prefix.to_owned());
        self.request(store, prefix, async move {
            owned.counters().list();
            let mut request = backend.start(&owned, &place, "list");
            let mut options = GetOptions::default();
            if let Some(patience) = &request.patience {
                options.extensions.insert(patience.clone());
            }
            options.extensions.insert(Directory);
            let answer = backend.store.get_opts(&path, options);
            let result = match request.within(0, answer).await? {
                Ok(result) => result,
                Err(error) if backend.absent(&error) => return Ok(Listing::default()),
                Err(error) => return Err(request.error(&error)),
            };
            let refuse = |reason: String| Error::Unsupported {
                place: owned.place(&place),
                operation: "list",
                reason,
            };
            let landed = result.extensions.get::<Landed>().cloned();
            let landed = landed.and_then(|Landed(url)| Url::parse(&url).ok());
            let Some(landed) = landed else {
                return Err(refuse(
                    "the client does not say where the page is".to_owned(),
                ));
            };
            let kind = result.attributes.get(&Attribute::ContentType);
            let kind = kind.map_or(String::new(), |kind| kind.to_ascii_lowercase());
            if !kind.contains("html") {
                return Err(refuse(format!(
                    "a page of links was expected, not \"{kind}\""
                )));
            }
            let page = request.within(PAGE_MAX, text(result)).await?;
            let page = page.map_err(|error| request.error(&error))?;
            let page = page.ok_or_else(|| refuse("the page of links is too large".to_owned()))?;
            Ok(names(&page, &landed))
        })
        .await
    }

    /// All keys below a prefix, a page for each directory.
    pub(crate) fn list_links(
        &self,
        store: &Store,
        prefix: &str,
    ) -> BoxStream<'static, Result<String>> {
        let (backend, store) = (self.clone(), store.clone());
        let todo = VecDeque::from([prefix.to_owned()]);
        let pages = stream::try_unfold(todo, move |mut todo| {
            let (backend, store) = (backend.clone(), store.clone());
            async move {
                let Some(directory) = todo.pop_front() else {
                    return Ok::<_, Error>(None);
                };
                let listing = backend.list_page(&store, &directory).await?;
                let below = |name: &String| key::join(&directory, name).into_owned();
                todo.extend(listing.prefixes.iter().map(below));
                let keys: Vec<_> = listing.keys.iter().map(below).map(Ok).collect();
                Ok(Some((stream::iter(keys), todo)))
            }
        });
        pages.try_flatten().boxed()
    }

    /// All objects below a prefix. A page does not say their sizes in a form that is the same everywhere: each is asked for.
    pub(super) fn list_pages(
        &self,
        store: &Store,
        prefix: &str,
    ) -> BoxStream<'static, Result<Entry>> {
        let (backend, sizes) = (self.clone(), store.clone());
        let most = store.cost_model().max_in_flight.max(1);
        let entries = self.list_links(store, prefix).map_ok(move |key| {
            let (backend, store) = (backend.clone(), sizes.clone());
            async move {
                let info = backend.describe(&store, &key).await?;
                Ok(info.map(|info| Entry {
                    key,
                    size: info.size,
                }))
            }
        });
        // An object that is gone by now is none.
        entries
            .try_buffered(most)
            .try_filter_map(|entry| std::future::ready(Ok(entry)))
            .boxed()
    }
}

/// The text of a page; `None` if it is too large.
async fn text(result: GetResult) -> object_store::Result<Option<String>> {
    let mut page = Vec::new();
    let mut stream = result.into_stream();
    while let Some(bytes) = stream.try_next().await? {
        page.extend_from_slice(&bytes);
        if page.len() as u64 > PAGE_MAX {
            return Ok(None);
        }
    }
    Ok(Some(String::from_utf8_lossy(&page).into_owned()))
}

/// The names that links on a page at this URL lead to.
fn names(page: &str, url: &Url) -> Listing {
    let mut listing = Listing::default();
    for (name, is_directory) in links(page).iter().filter_map(|link| below(url, link)) {
        match is_directory {
            true => listing.prefixes.push(name),
            false => listing.keys.push(name),
        }
    }
    for names in [&mut listing.keys, &mut listing.prefixes] {
        names.sort_unstable();
        names.dedup();
    }
    listing
}

/// The name that a link leads to from a page at this URL, and whether it is a directory; `None` unless it is one step below.
fn below(url: &Url, link: &str) -> Option<(String, bool)> {
    let to = url.join(link).ok()?;
    // Servers sort their pages by queries, and offer other forms of files by them.
    if to.origin() != url.origin() || link.contains('?') {
        return None;
    }
    let directory = url
        .path()
        .rsplit_once('/')
        .map_or("", |(directory, _)| directory);
    let rest = to.path().strip_prefix(directory)?.strip_prefix('/')?;
    let name = rest.strip_suffix('/').unwrap_or(rest);
    let decoded = percent_encoding::percent_decode_str(name)
        .decode_utf8()
        .ok()?;
    let is_name = !name.contains('/') && key::is_segment(&decoded);
    is_name.then(|| (decoded.into_owned(), rest.ends_with('/')))
}

/// The values of `href` of all `a` elements.
fn links(page: &str) -> Vec<String> {
    let mut links = Vec::new();
    for element in page.split('<').skip(1) {
        let Some(fields) = element.strip_prefix(['a', 'A']) else {
            continue;
        };
        let lower = fields.to_ascii_lowercase();
        let Some(at) = lower
            .find("href")
            .filter(|_| fields.starts_with(char::is_whitespace))
        else {
            continue;
        };
        let value = fields[at + 4..]
            .trim_start()
            .strip_prefix('=')
            .map(str::trim_start);
        let Some(value) = value else { continue };
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
            _ => value.split(|c: char| c.is_whitespace() || c == '>').next(),
        };
        links.extend(value.map(unescape));
    }
    links
}

fn unescape(text: &str) -> String {
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    text.replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}
