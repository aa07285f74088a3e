use serde_json::json;

use super::*;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

#[test]
fn what_is_sealed_opens_with_the_same_key_alone() {
    let key = Key::parse(KEY).unwrap();
    let sealed = key.seal("hunter2").unwrap();
    assert!(!sealed.contains("hunter2"));
    assert_ne!(
        sealed,
        key.seal("hunter2").unwrap(),
        "nothing tells that two values are the same"
    );
    assert_eq!(key.open(&sealed).unwrap(), "hunter2");
    let other = Key::parse(&KEY.replace("AAEC", "BBEC")).unwrap();
    assert_eq!(other.open(&sealed), Err(SecretError::OtherKey));
    assert!(matches!(
        Key::parse("c2hvcnQ="),
        Err(SecretError::Key { .. })
    ));
}

#[test]
fn marks_are_found_and_hidden() {
    let mut value = json!({"a": ["Bearer {{$secret:token}}", 5], "b": "{{ $secret:two }} {{plain}}", "c": "{{$sealed:xyz}}"});
    let mut found = Default::default();
    names(&value, &mut found);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["token", "two"]);
    shown(&mut value);
    assert_eq!(
        value,
        json!({"a": ["Bearer ***", 5], "b": "*** {{plain}}", "c": "***"})
    );
}

#[test]
fn a_secret_has_a_variable_of_its_own() {
    assert_eq!(Environment::variable("api-key.v2"), "RPA_SECRET_API_KEY_V2");
    let vault = Vault {
        providers: Vec::new(),
        key: None,
    };
    let error = vault.get("nowhere").unwrap_err();
    assert!(error.to_string().contains("RPA_SECRET_NOWHERE"), "{error}");
}
