//! Directory pages of web servers: pages of links, as nginx's autoindex, Apache's mod_autoindex and
//! others make them. A name is a link that leads one step below the directory; everything else on
//! the page is ignored.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::{Attribute, GetOptions, GetResult};
use url::Url;

use super::ObjectBackend;
use super::decode::decode;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::wire::{Directory, Facts, Landed};
use crate::{Entry, Listing, key};

/// Files that make a directory a node.
const DOCUMENTS: [&str; 5] = ["zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata"];

/// The largest page, in bytes.
const PAGE_MAX: u64 = 64 << 20;

impl ObjectBackend {
    /// Lists the names directly below a prefix.
    pub(super) async fn list_page(&self, context: &Arc<Context>, prefix: &str) -> Result<Listing> {
        let path = self.path(context, prefix)?;
        let (backend, owned, place) = (self.clone(), context.clone(), prefix.to_owned());
        self.request(context, prefix, async move {
            owned.counters.list();
            let mut request = backend.start(&owned, &place, "list");
            let mut options = GetOptions::default();
            if let Some(patience) = &request.patience {
                options.extensions.insert(patience.clone());
            }
            options.extensions.insert(Directory);
            let answer = backend.store.get_opts(&path, options);
            let result = match request.within(0, answer).await? {
                Ok(result) => result,
                Err(error) if backend.absent(&error) => {
                    drop(request);
                    return backend.no_page(&owned, &place).await;
                }
                Err(error) => return Err(request.error(&error)),
            };
            let refuse = |reason: String| Error::Unsupported {
                place: owned.place(&place),
                operation: "list",
                reason,
            };
            let landed = result.extensions.get::<Landed>().and_then(|landed| {
                let asked = Url::parse(&landed.asked).ok()?;
                Some((asked, Url::parse(&landed.at).ok()?))
            });
            let Some((asked, landed)) = landed else {
                return Err(refuse(
                    "the HTTP client does not report the address of the page".to_owned(),
                ));
            };
            if last_name(&asked) != last_name(&landed) {
                let to = crate::redact::text(landed.as_str());
                return Err(refuse(format!(
                    "the server sent the page at {to} instead of a listing; does the server need a login?"
                )));
            }
            let kind = result.attributes.get(&Attribute::ContentType);
            let kind = kind.map_or(String::new(), |kind| kind.to_ascii_lowercase());
            if !kind.contains("html") {
                return Err(refuse(format!(
                    "found \"{kind}\", expected a page of links"
                )));
            }
            let facts = result.extensions.get::<Facts>();
            let encoding = facts.and_then(|facts| facts.encoding.clone());
            let page = request.within(PAGE_MAX, bytes(result)).await?;
            let page = page.map_err(|error| request.error(&error))?;
            let page = page.ok_or_else(|| refuse("the page of links is too large".to_owned()))?;
            let page = match encoding {
                None => page.into(),
                Some(encoding) => decode(&page, &encoding, PAGE_MAX).map_err(|reason| {
                    refuse(format!(
                        "the page has Content-Encoding: {encoding}; {reason}"
                    ))
                })?,
            };
            Ok(names(&String::from_utf8_lossy(&page), &landed))
        })
        .await
    }

    /// Returns an empty listing for a directory without a page, or an error if the directory holds
    /// a node, because then its children are invisible.
    async fn no_page(&self, context: &Arc<Context>, prefix: &str) -> Result<Listing> {
        for name in DOCUMENTS {
            let key = key::join(prefix, name).into_owned();
            if self.read(context, &key, None)?.head().await?.is_some() {
                return Err(Error::Unsupported {
                    place: context.place(prefix),
                    operation: "list",
                    reason: format!("the server has {name} at this address, but no page of links"),
                });
            }
        }
        Ok(Listing::default())
    }

    /// Lists all keys below a prefix, with one page per directory.
    pub(crate) fn list_links(
        &self,
        context: &Arc<Context>,
        prefix: &str,
    ) -> BoxStream<'static, Result<String>> {
        let (backend, context) = (self.clone(), context.clone());
        let todo = VecDeque::from([prefix.to_owned()]);
        let pages = stream::try_unfold(todo, move |mut todo| {
            let (backend, context) = (backend.clone(), context.clone());
            async move {
                let Some(directory) = todo.pop_front() else {
                    return Ok::<_, Error>(None);
                };
                let mut listing = backend.list_page(&context, &directory).await?;
                // A name that may be a file or a directory is a file unless its page contains
                // names.
                for name in unmarked(&listing) {
                    let place = key::join(&directory, &name).into_owned();
                    let inside = backend.list_page(&context, &place).await;
                    let is_directory = inside.is_ok_and(|inside| inside != Listing::default());
                    let names = match is_directory {
                        true => &mut listing.keys,
                        false => &mut listing.prefixes,
                    };
                    names.retain(|found| *found != name);
                }
                let below = |name: &String| key::join(&directory, name).into_owned();
                todo.extend(listing.prefixes.iter().map(below));
                let keys: Vec<_> = listing.keys.iter().map(below).map(Ok).collect();
                Ok(Some((stream::iter(keys), todo)))
            }
        });
        pages.try_flatten().boxed()
    }

    /// Lists all objects below a prefix. Pages have no uniform format for sizes, so each size is
    /// requested.
    pub(super) fn list_pages(
        &self,
        context: &Arc<Context>,
        prefix: &str,
    ) -> BoxStream<'static, Result<Entry>> {
        let (backend, sizes) = (self.clone(), context.clone());
        let most = context.cost.max_in_flight.max(1);
        let entries = self.list_links(context, prefix).map_ok(move |key| {
            let (backend, context) = (backend.clone(), sizes.clone());
            async move {
                let info = backend.describe(&context, &key).await?;
                Ok(info.map(|info| Entry {
                    key,
                    size: info.size,
                }))
            }
        });
        // The object was deleted since its page was read.
        entries
            .try_buffered(most)
            .try_filter_map(|entry| std::future::ready(Ok(entry)))
            .boxed()
    }
}

/// Returns the bytes of a page; `None` if the page is too large.
async fn bytes(result: GetResult) -> object_store::Result<Option<Vec<u8>>> {
    let mut page = Vec::new();
    let mut stream = result.into_stream();
    while let Some(bytes) = stream.try_next().await? {
        page.extend_from_slice(&bytes);
        if page.len() as u64 > PAGE_MAX {
            return Ok(None);
        }
    }
    Ok(Some(page))
}

/// Returns the last name in the path of a URL.
fn last_name(url: &Url) -> String {
    let path = url.path().trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name);
    name.decode_utf8_lossy().into_owned()
}

/// Returns the names that links on the page at this URL lead to. If the page marks no name as a
/// directory, every name that is no document may be a file or a directory, and is listed both as
/// key and as prefix.
fn names(page: &str, url: &Url) -> Listing {
    let mut listing = Listing::default();
    for (name, is_directory) in links(page).iter().filter_map(|link| below(url, link)) {
        match is_directory {
            true => listing.prefixes.push(name),
            false => listing.keys.push(name),
        }
    }
    if listing.prefixes.is_empty() {
        let may_be = |name: &&String| !DOCUMENTS.contains(&name.as_str());
        listing.prefixes = listing.keys.iter().filter(may_be).cloned().collect();
    }
    for names in [&mut listing.keys, &mut listing.prefixes] {
        names.sort_unstable();
        names.dedup();
    }
    listing
}

/// Returns the names that are listed both as keys and as prefixes.
fn unmarked(listing: &Listing) -> Vec<String> {
    let is_key = |name: &&String| listing.keys.contains(name);
    listing.prefixes.iter().filter(is_key).cloned().collect()
}

/// Returns the name that a link on the page at this URL leads to, and whether the name is a
/// directory; `None` unless the link leads one step below.
fn below(url: &Url, link: &str) -> Option<(String, bool)> {
    let to = url.join(link).ok()?;
    // Servers use queries to sort their pages and to offer other forms of files.
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

/// Returns the values of `href` of all `a` elements.
fn links(page: &str) -> Vec<String> {
    let elements = page.split('<').skip(1);
    let fields = elements.filter_map(|element| {
        let fields = element.strip_prefix(['a', 'A'])?;
        fields
            .starts_with(|c: char| c.is_whitespace() || c == '/')
            .then_some(fields)
    });
    fields.filter_map(href).map(unescape).collect()
}

/// Returns the value of the attribute `href` of an element.
fn href(fields: &str) -> Option<&str> {
    let mut rest = fields;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/'));
        let (name, after) = rest.split_at(end?);
        let after = after.trim_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_start) else {
            if name.is_empty() {
                return None;
            }
            rest = after;
            continue;
        };
        let (value, after) = match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split_once(quote)?,
            _ => value.split_at(value.find(|c: char| c.is_whitespace() || c == '>')?),
        };
        if name.eq_ignore_ascii_case("href") {
            return Some(value);
        }
        rest = after;
    }
}

/// Replaces the character references in a value: numeric ones, and the names that servers write.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let reference = rest.get(at..).and_then(|rest| rest.strip_prefix('&'));
        let reference = reference.unwrap_or_default();
        let found = reference
            .split_once(';')
            .and_then(|(name, after)| Some((referred(name)?, after)));
        let (letter, after) = found.unwrap_or(('&', reference));
        out.push(letter);
        rest = after;
    }
    out + rest
}

fn referred(name: &str) -> Option<char> {
    let number = |digits, radix| {
        u32::from_str_radix(digits, radix)
            .ok()
            .and_then(char::from_u32)
    };
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "amp" => Some('&'),
        "sol" => Some('/'),
        "nbsp" => Some('\u{a0}'),
        _ => match name.strip_prefix('#')? {
            hex if hex.starts_with(['x', 'X']) => number(&hex[1..], 16),
            digits => number(digits, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_href_is_href() {
        for (page, expected) in [
            ("<a href=\"x\">", Some("x")),
            ("<a data-href=\"no\" href='x'>", Some("x")),
            ("<A HREFLANG=en HREF = x >", Some("x")),
            ("<a title=\"the href of\" href=\"x\">", Some("x")),
            ("<a title=\"href='no'\">", None),
            ("<a hreflang=\"no\">", None),
            ("<a download href=x>", Some("x")),
            ("<a\n href=\"x\"/>", Some("x")),
            ("<a class=icon\n\thref=x>", Some("x")),
            ("<abbr href=no>", None),
            ("<a href>", None),
            ("<a", None),
            ("<a href=\"a&#47;\">", Some("a/")),
            ("<a href=\"a&#x2F;\">", Some("a/")),
            ("<a href=\"a&#38;b&amp;lt;\">", Some("a&b&lt;")),
            ("<a href=\"it&#039;s&#43;&#x27;\">", Some("it's+'")),
            ("<a href=\"a&b;c&\">", Some("a&b;c&")),
        ] {
            let expected: Vec<_> = expected.into_iter().collect();
            assert_eq!(links(page), expected, "{page}");
        }
    }

    #[test]
    fn without_a_mark_a_name_may_be_either() {
        let url = Url::parse("http://h/d/").expect("a URL");
        let listing = names("<a href=../><a href=a><a href=zarr.json>", &url);
        assert_eq!(
            (listing.keys.len(), listing.prefixes),
            (2, vec!["a".to_owned()])
        );
        let listing = names("<a href=../><a href=a><a href=b/>", &url);
        assert_eq!(
            (listing.keys, listing.prefixes),
            (vec!["a".to_owned()], vec!["b".to_owned()])
        );
    }
}
