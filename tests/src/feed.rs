//! A web server with a feed, which says whether it changed.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::counter::read;

/// How long a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(60);

/// The server.
pub struct Publisher {
    port: u16,
    page: Arc<Mutex<Page>>,
    /// The versions of which somebody was told that they are the present one.
    told: Receiver<usize>,
}

/// What it serves: the version, and the feed.
#[derive(Clone, Default)]
struct Page {
    version: usize,
    feed: String,
}

impl Publisher {
    /// # Panics
    ///
    /// When there is no port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let port = listener.local_addr().expect("it has an address").port();
        let (tell, told) = channel();
        let page = Arc::new(Mutex::new(Page::default()));
        let shown = Arc::clone(&page);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tell, shown) = (tell.clone(), Arc::clone(&shown));
                std::thread::spawn(move || serve(stream, &tell, &shown));
            }
        });
        let publisher = Self { port, page, told };
        publisher.publish(&[]);
        publisher
    }

    /// Where the feed is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/feed.xml", self.port)
    }

    /// The feed has these items from now on, the newest first: an id, and a title.
    pub fn publish(&self, items: &[(&str, &str)]) {
        let items = items.iter().map(|(id, title)| {
            format!(
                "<item><guid isPermaLink=\"false\">{id}</guid><title>{title}</title><link>/{id}</link>\
                 <category>news</category><description>About {title}</description></item>"
            )
        });
        let items: String = items.collect();
        self.show(&format!(
            "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>News</title><link>http://localhost/</link>\
             <description>All</description>{items}</channel></rss>"
        ));
    }

    /// The feed is this from now on.
    pub fn show(&self, feed: &str) {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        page.version += 1;
        page.feed = feed.to_owned();
    }

    /// Waits until somebody who has the feed as it is now asks again, and is told that it did not change.
    ///
    /// # Panics
    ///
    /// When nobody does for a long time.
    pub fn is_known(&self) {
        let page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        let version = page.version;
        drop(page);
        while self.told.recv_timeout(PATIENCE).expect("somebody asks") != version {}
    }
}

fn serve(stream: TcpStream, tell: &Sender<usize>, page: &Mutex<Page>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let asked = read(&mut reader)?;
        let page = page.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let tag = format!("\"{}\"", page.version);
        let is_known = asked.header("if-none-match") == Some(&tag);
        let (status, body) = match is_known {
            true => ("304 Not Modified", ""),
            false => ("200 OK", page.feed.as_str()),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nETag: {tag}\r\nContent-Type: application/rss+xml\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
        if is_known {
            // The test may be over.
            tell.send(page.version).ok()?;
        }
    }
}
