//! Against a service on this machine.

use std::time::{Duration, SystemTime};

use durable_tests::embeddings::{DIMENSION, EmbeddingServer, Misdeed, vector_of};
use serde_json::{Value, json};
use ureq::http::HeaderMap;

use super::refusal::retry_after;
use super::{Key, Remote, RemoteOptions, Service};
use crate::embed::{EmbedError, Embedder, normalise};

fn options(server: &EmbeddingServer) -> RemoteOptions {
    RemoteOptions {
        url: Some(server.openai()),
        dimensions: Some(DIMENSION),
        timeout: Duration::from_millis(500),
        ..RemoteOptions::new(Service::OpenAi, "test-model")
    }
}

fn remote(server: &EmbeddingServer) -> Remote {
    Remote::open(options(server), None).unwrap()
}

fn expected(texts: &[&str]) -> Vec<Vec<f32>> {
    let vector = |text: &&str| {
        let mut vector = vector_of(text);
        normalise(&mut vector);
        vector
    };
    texts.iter().map(vector).collect()
}

fn error_of(misdeed: Misdeed) -> EmbedError {
    let server = EmbeddingServer::new();
    server.plan([Some(misdeed)]);
    remote(&server).embed(&["one", "two"]).unwrap_err()
}

fn status(status: u16, body: Value) -> Misdeed {
    Misdeed::Status(status, Vec::new(), body)
}

#[test]
fn every_text_gets_its_own_vector_whatever_the_order_and_the_form_of_the_answer() {
    let server = EmbeddingServer::new();
    let remote = remote(&server);
    let texts = ["one fish", "two fish", "red"];
    server.plan([None, Some(Misdeed::Shuffled), Some(Misdeed::Packed)]);
    for _ in 0..3 {
        let answer = remote.answer(&texts).unwrap();
        assert_eq!(answer.vectors, expected(&texts));
        assert_eq!(answer.tokens, Some(5));
    }
    let asked = server.asked();
    assert_eq!(asked[0].path, "/v1/embeddings");
    assert_eq!(asked[0].dimensions, Some(16));
    assert_eq!(asked[0].authorization, None);
}

#[test]
fn ollama_is_asked_in_its_own_way_and_its_models_are_known_without_their_default_tag() {
    let server = EmbeddingServer::new();
    let options = RemoteOptions {
        url: Some(server.ollama()),
        ..RemoteOptions::new(Service::Ollama, "nomic-embed-text:latest")
    };
    let remote = Remote::open(options, None).unwrap();
    assert_eq!(remote.dimension(), DIMENSION);
    assert_eq!(remote.id(), "ollama:nomic-embed-text");
    let answer = remote.answer(&["one fish"]).unwrap();
    assert_eq!(
        (answer.vectors, answer.tokens),
        (expected(&["one fish"]), Some(2))
    );
    assert_eq!(server.asked()[1].path, "/api/embed");
}

#[test]
fn the_length_of_vectors_is_asked_for_only_when_nobody_knows_it() {
    let server = EmbeddingServer::new();
    let unknown = RemoteOptions {
        dimensions: None,
        ..options(&server)
    };
    assert_eq!(
        Remote::open(unknown.clone(), Some(3)).unwrap().dimension(),
        3
    );
    assert_eq!(server.asked().len(), 0);
    assert_eq!(
        Remote::open(unknown.clone(), None).unwrap().dimension(),
        DIMENSION
    );
    assert_eq!(server.asked().len(), 1);
    let known = RemoteOptions {
        model: "text-embedding-3-small".to_owned(),
        ..unknown
    };
    assert_eq!(Remote::open(known, None).unwrap().dimension(), 1536);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn the_address_is_no_part_of_what_a_model_is_known_by_and_the_length_of_its_vectors_is() {
    let id = |model: &str, url: Option<&str>, dimensions| {
        let options = RemoteOptions {
            url: url.map(str::to_owned),
            dimensions,
            ..RemoteOptions::new(Service::OpenAi, model)
        };
        options.id()
    };
    assert_eq!(id("m", None, None), "openai:m");
    assert_eq!(id("m", Some("http://elsewhere"), None), "openai:m");
    assert_eq!(id("m", None, Some(256)), "openai:m@256");
}

#[test]
fn wrong_answers_are_refused_and_said_to_be() {
    let count = |vectors| EmbedError::Count {
        model: "openai:test-model@16".to_owned(),
        texts: 2,
        vectors,
    };
    assert_eq!(error_of(Misdeed::OneMissing), count(1));
    assert_eq!(error_of(Misdeed::OneTooMany), count(3));
    for misdeed in [Misdeed::Null, Misdeed::Infinite] {
        let error = error_of(misdeed);
        assert!(
            matches!(error, EmbedError::NotFinite { index: 1, .. }),
            "{error:?}"
        );
    }
    let error = error_of(Misdeed::Shorter);
    let is_dimension = matches!(
        error,
        EmbedError::Dimension {
            index: 0,
            expected: 16,
            found: 15,
            ..
        }
    );
    assert!(is_dimension, "{error:?}");
    let two = |number: f32, second: usize| {
        let vector = vec![number; DIMENSION];
        json!({"data": [{"index": 0, "embedding": vector}, {"index": second, "embedding": vector}]})
    };
    let (zeros, twice) = (two(0.0, 1), two(1.0, 0));
    let bodies = [
        "<html>hello</html>".to_owned(),
        r#"{"data": [{"index": 0, "embedding": [NaN]}]}"#.to_owned(),
        r#"{"error": "of a kind"}"#.to_owned(),
        zeros.to_string(),
        twice.to_string(),
        " ".repeat(200_000),
    ];
    for body in bodies {
        let error = error_of(Misdeed::Body(body.clone()));
        assert!(
            matches!(error, EmbedError::Answer { .. }),
            "{body}: {error:?}"
        );
        assert!(!error.is_transient());
    }
}

#[test]
fn trouble_that_passes_is_told_from_what_does_not() {
    let passing = [
        Misdeed::Cut,
        Misdeed::CutInTheMiddle,
        Misdeed::Silence(Duration::from_secs(2)),
        status(
            429,
            json!({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}),
        ),
        status(500, json!({})),
        status(503, json!({"error": "overloaded"})),
    ];
    for misdeed in passing {
        let error = error_of(misdeed.clone());
        assert!(error.is_transient(), "{misdeed:?}: {error:?}");
    }
    let lasting = [
        (status(401, json!({})), "RAG_EMBEDDER_KEY"),
        (status(403, json!({})), "RAG_EMBEDDER_KEY"),
        (status(404, json!({})), "--embedder-model"),
        (
            status(429, json!({"error": {"code": "insufficient_quota"}})),
            "credit",
        ),
        (
            status(
                400,
                json!({"error": {"param": "dimensions", "message": "no"}}),
            ),
            "--embedder-dimensions",
        ),
        (
            Misdeed::Status(
                301,
                vec![("location", "https://example.org/v1".to_owned())],
                json!({}),
            ),
            "https://example.org/v1",
        ),
        (status(501, json!({})), "--embedder-url"),
    ];
    for (misdeed, remedy) in lasting {
        let error = error_of(misdeed.clone());
        let is_refused = matches!(error, EmbedError::Refused { .. });
        assert!(
            is_refused && !error.is_transient(),
            "{misdeed:?}: {error:?}"
        );
        assert!(error.to_string().contains(remedy), "{error}");
    }
    for body in [
        status(
            400,
            json!({"error": {"message": "maximum context length is 8192 tokens", "param": "input"}}),
        ),
        status(413, json!({})),
        status(
            500,
            json!({"error": "the input length exceeds the context length"}),
        ),
    ] {
        let error = error_of(body.clone());
        assert!(
            error.is_about_the_texts() && !error.is_transient(),
            "{body:?}: {error:?}"
        );
    }
}

#[test]
fn a_service_that_is_not_there_is_trouble_that_passes() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let options = RemoteOptions {
        url: Some(format!("http://127.0.0.1:{port}/v1")),
        dimensions: Some(4),
        ..RemoteOptions::new(Service::OpenAi, "m")
    };
    let error = Remote::open(options, None)
        .unwrap()
        .embed(&["x"])
        .unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[test]
fn a_key_goes_into_the_header_and_nowhere_else() {
    let server = EmbeddingServer::new();
    let options = RemoteOptions {
        key: Some(Key::new(" sk-secret\n")),
        ..options(&server)
    };
    assert!(!format!("{options:?}").contains("sk-secret"));
    let remote = Remote::open(options, None).unwrap();
    server.plan([None, Some(Misdeed::TellKey)]);

    remote.embed(&["one"]).unwrap();
    let error = remote.embed(&["one"]).unwrap_err();

    assert_eq!(
        server.asked()[0].authorization.as_deref(),
        Some("Bearer sk-secret")
    );
    assert!(!error.to_string().contains("sk-secret"), "{error}");
    assert!(error.to_string().contains("you sent Bearer ***"), "{error}");
    assert!(!format!("{remote:?}").contains("sk-secret"));
}

#[test]
fn addresses_that_cannot_be_used_are_refused_with_a_way_out() {
    for (url, part) in [
        ("localhost:8080", "https://api.openai.com/v1"),
        ("ftp://example.org", "https://api.openai.com/v1"),
        ("http://", "https://api.openai.com/v1"),
        ("http://me:secret@example.org/v1", "RAG_EMBEDDER_KEY"),
    ] {
        let options = RemoteOptions {
            url: Some(url.to_owned()),
            dimensions: Some(4),
            ..RemoteOptions::new(Service::OpenAi, "m")
        };
        let error = Remote::open(options, None).unwrap_err();
        assert!(
            matches!(error, EmbedError::Setting { .. }),
            "{url}: {error:?}"
        );
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.to_string().contains("secret@"), "{error}");
    }
}

#[test]
fn a_service_says_in_several_ways_how_long_it_wants_to_be_left_alone() {
    let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_480);
    let asked = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), now);
    assert_eq!(asked(&[]), None);
    assert_eq!(asked(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
    assert_eq!(
        asked(&[("retry-after", "0.5")]),
        Some(Duration::from_millis(500))
    );
    assert_eq!(
        asked(&[("retry-after-ms", "1500"), ("retry-after", "2")]),
        Some(Duration::from_millis(1500))
    );
    assert_eq!(
        asked(&[("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT")]),
        Some(Duration::from_secs(30))
    );
    assert_eq!(
        asked(&[("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT")]),
        Some(Duration::ZERO)
    );
    let elsewhere = [
        ("retry-after", "Wed, 21 Oct 2020 07:28:30 GMT"),
        ("date", "Wed, 21 Oct 2020 07:28:00 GMT"),
    ];
    assert_eq!(asked(&elsewhere), Some(Duration::from_secs(30)));
    for nonsense in ["soon", "-1", "NaN"] {
        assert_eq!(asked(&[("retry-after", nonsense)]), None, "{nonsense}");
    }
}
