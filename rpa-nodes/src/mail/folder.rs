//! Names of folders as IMAP writes them: a UTF-7 of its own.

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::{GeneralPurpose, general_purpose::NO_PAD};

const LETTERS: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// A name as IMAP writes it.
pub(super) fn encoded(name: &str) -> String {
    let mut encoded = String::new();
    let mut foreign: Vec<u8> = Vec::new();
    for letter in name.chars() {
        if matches!(letter, ' '..='~') {
            end(&mut encoded, &mut foreign);
            encoded.push(letter);
            if letter == '&' {
                encoded.push('-');
            }
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                foreign.extend(unit.to_be_bytes());
            }
        }
    }
    end(&mut encoded, &mut foreign);
    encoded
}

fn end(encoded: &mut String, foreign: &mut Vec<u8>) {
    if !foreign.is_empty() {
        encoded.push('&');
        encoded.push_str(&LETTERS.encode(&*foreign));
        encoded.push('-');
        foreign.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_called_as_servers_call_them() {
        for (name, written) in [
            ("INBOX", "INBOX"),
            ("Sent & done", "Sent &- done"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encoded(name), written);
        }
    }
}
