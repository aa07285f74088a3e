//! Triggers that fire when a feed has something new.
//!
//! What the feed held when it was looked at for the first time is recorded, and is no news. Each other item starts one run
//! under an id that is made of its own, however often it is seen. More than `max_items_per_check` are put on the queue at
//! once too, so that none is lost when the feed forgets it; they only begin later.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use feed_rs::model::Entry;
use serde_json::{Value, json};
use tokio::sync::watch as signal;
use tokio::task::JoinSet;

use super::ServeError;
use super::key::{hash, plain};
use super::poll::{Missed, Poll, Source, aside, first, poll};
use super::settings::Settings;
use super::starter::{Started, Starter};
use crate::fault::Fault;
use crate::http::{Request, Rules, without_secrets};
use crate::value::Object;

/// Longer feeds are none.
const LONGEST: u64 = 32 << 20;
/// What servers say of a version of a feed, and how they are asked whether it is still that.
const VALIDATORS: [(&str, &str); 2] = [
    ("etag", "If-None-Match"),
    ("last-modified", "If-Modified-Since"),
];

/// A feed, and which of its items count.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    node: String,
    url: String,
    every: Duration,
    keywords: Vec<String>,
    mode: String,
    /// How many runs begin between two looks.
    most: usize,
    describes: bool,
}

/// An item of a feed.
#[derive(Debug)]
struct Item {
    key: String,
    published: Option<i64>,
    outputs: Object,
    /// Where keywords are looked for.
    text: String,
}

impl Feed {
    pub(super) fn new(settings: &Settings) -> Result<Self, ServeError> {
        let url = settings.text("feed_url");
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(settings.refuse(format!(
                "`feed_url`: `{url}` is no address of a feed; write https://…"
            )));
        }
        let most = settings.integer("max_items_per_check");
        let most = usize::try_from(most).ok().filter(|most| *most > 0);
        let most = most.ok_or_else(|| {
            settings.refuse("`max_items_per_check` has to be 1 or more, or nothing would start")
        })?;
        let keywords = settings.words("filter_keywords").into_iter();
        Ok(Self {
            node: settings.node.clone(),
            url,
            every: settings.interval("poll_interval_minutes", 60.0)?,
            keywords: keywords.map(|word| word.to_lowercase()).collect(),
            mode: settings.text("filter_mode"),
            most,
            describes: settings.flag("include_description"),
        })
    }

    fn counts(&self, item: &Item) -> bool {
        let mut keywords = self.keywords.iter();
        let is_in = |word: &String| item.text.contains(word.as_str());
        match self.mode.as_str() {
            _ if self.keywords.is_empty() => true,
            "all" => keywords.all(is_in),
            "none" => !keywords.any(is_in),
            _ => keywords.any(is_in),
        }
    }

    /// The feed, and what to ask next time; nothing if it is as it was.
    fn read(&self, validators: &[(String, String)]) -> Result<Option<Page>, Fault> {
        let mut headers = vec![(
            "Accept".to_owned(),
            "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.8"
                .to_owned(),
        )];
        headers.extend(validators.iter().cloned());
        let request = Request {
            method: "GET".to_owned(),
            url: self.url.clone(),
            headers,
            body: Vec::new(),
            rules: Rules::default(),
        };
        let response = request.send()?;
        let place = without_secrets(&self.url);
        match response.status {
            304 => return Ok(None),
            200..=299 => {}
            status => {
                return Err(Fault::of(
                    "ConnectionError",
                    format!("{place} answers with the status {status}"),
                ));
            }
        }
        let validators = VALIDATORS.iter().filter_map(|(said, asked)| {
            let mut headers = response.headers.iter();
            let found = headers.find(|(name, _)| name.eq_ignore_ascii_case(said))?;
            Some(((*asked).to_owned(), found.1.clone()))
        });
        let validators = validators.collect();
        let mut bytes = Vec::new();
        let read = response.reader().take(LONGEST + 1).read_to_end(&mut bytes);
        read.map_err(|error| Fault::of("ConnectionError", format!("{place} broke off: {error}")))?;
        if bytes.len() as u64 > LONGEST {
            return Err(Fault::of(
                "MemoryError",
                format!("{place} is longer than 32 MB"),
            ));
        }
        let items = self.items(&bytes)?;
        Ok(Some(Page { items, validators }))
    }

    /// What a feed holds, the oldest first.
    fn items(&self, bytes: &[u8]) -> Result<Vec<Item>, Fault> {
        let parser = feed_rs::parser::Builder::new()
            .base_uri(Some(&self.url))
            .id_generator(|links, title, _| {
                let link = links.first().map(|link| link.href.clone());
                let title = || title.as_ref().map(|title| title.content.clone());
                link.or_else(title).unwrap_or_default()
            })
            .build();
        let feed = parser.parse(bytes);
        let feed = feed.map_err(|error| {
            Fault::of(
                "ValueError",
                format!(
                    "{} is no feed that can be read: {error}",
                    without_secrets(&self.url)
                ),
            )
        })?;
        let mut items: Vec<Item> = feed
            .entries
            .iter()
            .map(|entry| Item::new(entry, self.describes))
            .collect();
        // Feeds begin with the newest one.
        items.reverse();
        if items.iter().all(|item| item.published.is_some()) {
            items.sort_by_key(|item| item.published);
        }
        Ok(items)
    }
}

/// What was read of a feed.
struct Page {
    /// The oldest first.
    items: Vec<Item>,
    validators: Vec<(String, String)>,
}

impl Item {
    fn new(entry: &Entry, describes: bool) -> Self {
        let title = entry.title.as_ref().map(|title| title.content.clone());
        let title = title.unwrap_or_default();
        let links = entry.links.iter();
        let own = links
            .clone()
            .find(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate"));
        let link = own.or(links.clone().next());
        let link = link.map(|link| link.href.clone()).unwrap_or_default();
        let summary = entry
            .summary
            .as_ref()
            .map(|summary| summary.content.clone());
        let content = || {
            entry
                .content
                .as_ref()
                .and_then(|content| content.body.clone())
        };
        let description = summary.or_else(content).unwrap_or_default();
        let time = entry.published.or(entry.updated);
        let published = time.map(|time| time.to_rfc3339()).unwrap_or_default();
        let authors = entry.authors.iter().filter_map(|it| it.name.as_deref());
        let authors: Vec<&str> = authors.collect();
        let categories: Vec<&str> = entry
            .categories
            .iter()
            .map(|category| category.label.as_deref().unwrap_or(&category.term))
            .collect();
        let text = format!("{title}\n{description}\n{}", categories.join("\n")).to_lowercase();
        let key = match entry.id.trim() {
            "" => hash(text.as_bytes()),
            id => plain(id),
        };
        let description = if describes {
            description
        } else {
            String::new()
        };
        let item = json!({
            "id": entry.id,
            "title": title,
            "link": link,
            "description": description,
            "published": published,
            "author": authors.join(", "),
            "categories": categories,
        });
        let mut outputs = item.as_object().cloned().unwrap_or_default();
        outputs.shift_remove("id");
        outputs.insert("item".to_owned(), item);
        Self {
            key,
            published: time.map(|time| time.timestamp_millis()),
            outputs,
            text,
        }
    }
}

impl Source for Feed {
    fn node(&self) -> &str {
        &self.node
    }

    fn says(&self) -> String {
        format!("reads {}", without_secrets(&self.url))
    }

    fn wait(
        self: Box<Self>,
        starter: Arc<Starter>,
        tasks: &mut JoinSet<()>,
        end: signal::Receiver<()>,
    ) {
        let look = Look {
            feed: *self,
            starter,
            before: None,
            seen: BTreeSet::new(),
            validators: Vec::new(),
            number: 0,
            begun: BTreeMap::new(),
        };
        tasks.spawn(poll(look, end));
    }
}

/// What was seen of a feed.
struct Look {
    feed: Feed,
    starter: Arc<Starter>,
    /// What it held when it was looked at for the first time, by anybody.
    before: Option<BTreeSet<String>>,
    /// What was settled of what it held when it was looked at last.
    seen: BTreeSet<String>,
    validators: Vec<(String, String)>,
    /// How many looks there were.
    number: usize,
    /// How many runs begin with this look, and with later ones.
    begun: BTreeMap<usize, usize>,
}

impl Poll for Look {
    fn every(&self) -> Duration {
        self.feed.every
    }

    fn place(&self) -> String {
        without_secrets(&self.feed.url)
    }

    async fn once(&mut self) -> Result<Duration, Missed> {
        self.number += 1;
        self.begun = self.begun.split_off(&self.number);
        let (feed, validators) = (self.feed.clone(), self.validators.clone());
        let Some(page) = aside(move || feed.read(&validators)).await? else {
            return Ok(self.feed.every);
        };
        if self.before.is_none() {
            let keys = page.items.iter().map(|item| item.key.clone()).collect();
            // Another feed is new as a whole.
            let id = format!(
                "feed:{}{}",
                self.starter.prefix(&self.feed.node),
                hash(self.feed.url.as_bytes())
            );
            let keys = first(&self.starter, id, keys).await?;
            self.before = Some(keys.into_iter().collect());
        }
        let mut settled = BTreeSet::new();
        for item in page.items {
            let is_old = self
                .before
                .as_ref()
                .is_some_and(|keys| keys.contains(&item.key));
            if !is_old && !self.seen.contains(&item.key) && self.feed.counts(&item) {
                self.start(&item).await?;
            }
            self.seen.insert(item.key.clone());
            settled.insert(item.key);
        }
        self.seen = settled;
        self.validators = page.validators;
        Ok(self.feed.every)
    }
}

impl Look {
    async fn start(&mut self, item: &Item) -> Result<(), Missed> {
        let mut turn = self.number;
        while self
            .begun
            .get(&turn)
            .is_some_and(|begun| *begun >= self.feed.most)
        {
            turn += 1;
        }
        let later = u32::try_from(turn - self.number).unwrap_or(u32::MAX);
        let wait = self.feed.every.saturating_mul(later);
        let id = format!("{}{}", self.starter.prefix(&self.feed.node), item.key);
        let outputs = item.outputs.clone();
        let node = &self.feed.node;
        match self.starter.start_after(node, &id, outputs, wait).await? {
            Started::New(_) => {
                *self.begun.entry(turn).or_default() += 1;
                let title = item.outputs.get("title").and_then(Value::as_str);
                tracing::info!(id, title, "an item of a feed started its workflow");
            }
            Started::Known(_) | Started::Other => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(keywords: &[&str], mode: &str) -> Feed {
        Feed {
            node: String::new(),
            url: "https://a.example/feed".to_owned(),
            every: Duration::ZERO,
            keywords: keywords.iter().map(|word| (*word).to_owned()).collect(),
            mode: mode.to_owned(),
            most: 1,
            describes: true,
        }
    }

    #[test]
    fn feeds_of_all_kinds_give_the_oldest_item_first() {
        let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>f</id><updated>2026-01-01T00:00:00Z</updated>
            <entry><id>urn:1</id><title>One</title><published>2026-01-01T00:00:00Z</published><link href="one"/>
            <author><name>Ada</name></author><author><name>Bob</name></author><content type="html">&lt;p&gt;text&lt;/p&gt;</content></entry>
            <entry><id>urn:0</id><title>Zero</title><published>2025-12-31T00:00:00Z</published></entry></feed>"#;
        let json = r#"{"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": [
            {"id": "urn:1", "title": "One", "content_text": "x"}, {"id": "urn:0", "title": "Zero", "content_text": "y"}]}"#;
        let rdf = r#"<rss version="2.0"><channel><title>t</title><link>http://t.example</link><description>d</description>
            <item><title>One</title><link>urn:1</link></item><item><title>Zero</title><link>urn:0</link></item></channel></rss>"#;
        for text in [atom, json, rdf] {
            let items = feed(&[], "any").items(text.as_bytes()).unwrap();
            let keys: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
            assert_eq!(keys, [plain("urn:0"), plain("urn:1")], "{text}");
            let titles: Vec<_> = items.iter().map(|item| &item.outputs["title"]).collect();
            assert_eq!(titles, ["Zero", "One"]);
        }
        let items = feed(&[], "any").items(atom.as_bytes()).unwrap();
        let expected = json!({
            "id": "urn:1", "title": "One", "link": "https://a.example/one", "description": "<p>text</p>",
            "published": "2026-01-01T00:00:00+00:00", "author": "Ada, Bob", "categories": [],
        });
        assert_eq!(items[1].outputs["item"], expected);
        let error = feed(&[], "any").items(b"<html></html>").unwrap_err();
        assert!(
            error.message.contains("https://a.example/feed is no feed"),
            "{error}"
        );
    }

    #[test]
    fn keywords_say_which_items_count() {
        let json = r#"{"version": "https://jsonfeed.org/version/1.1", "title": "t",
            "items": [{"id": "", "title": "Rust \u00c4NDERT sich", "content_text": "x"}]}"#;
        let items = feed(&[], "any").items(json.as_bytes()).unwrap();
        let counts = |keywords: &[&str], mode: &str| feed(keywords, mode).counts(&items[0]);
        assert!(counts(&["\u{e4}ndert", "go"], "any") && !counts(&["go"], "any"));
        assert!(counts(&["\u{e4}ndert", "rust"], "all") && !counts(&["rust", "go"], "all"));
        assert!(counts(&["go"], "none") && !counts(&["go", "rust"], "none"));
        assert!(counts(&[], "any") && counts(&[], "none"));
    }
}
