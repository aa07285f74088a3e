//! A strict reader for the part of Graphviz's language that pictures use.

use std::collections::BTreeSet;

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

/// What is wrong with a graph.
pub fn check(graph: &str) -> Result<(), String> {
    let mut reader = Reader {
        tokens: tokens(graph)?,
        next: 0,
        nodes: BTreeSet::new(),
    };
    reader.word("digraph")?;
    reader.text()?;
    reader.statements()?;
    if reader.next < reader.tokens.len() {
        return Err(format!(
            "behind the graph: {:?}",
            reader.tokens[reader.next]
        ));
    }
    Ok(())
}

fn tokens(graph: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = graph;
    while let Some(first) = rest.chars().next() {
        let sign = ["->", "{", "}", "[", "]", "=", ",", ";"]
            .into_iter()
            .find(|sign| rest.starts_with(sign));
        if let Some(sign) = sign {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if first == '"' {
            let mut text = String::new();
            let mut characters = rest[1..].chars();
            loop {
                match characters.next().ok_or("a text has no end")? {
                    '"' => break,
                    '\\' => match characters.next() {
                        Some('n') => text.push('\n'),
                        Some(escaped @ ('"' | '\\')) => text.push(escaped),
                        other => return Err(format!("`\\` before {other:?}")),
                    },
                    control if control.is_control() => {
                        return Err(format!("{control:?} in a text"));
                    }
                    character => text.push(character),
                }
            }
            tokens.push(Token::Text(text));
            rest = characters.as_str();
        } else if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
        } else {
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("{first:?} outside of a text"));
            }
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    Ok(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    next: usize,
    nodes: BTreeSet<String>,
}

impl Reader {
    /// `{ … }`: nodes first, then edges between them.
    fn statements(&mut self) -> Result<(), String> {
        self.sign("{")?;
        while self.sign("}").is_err() {
            let name = self.any_word()?;
            match name.as_str() {
                "node" | "edge" => self.attributes()?,
                "label" => {
                    self.sign("=")?;
                    self.text()?;
                }
                "subgraph" => {
                    let name = self.any_word()?;
                    if !name.starts_with("cluster_") {
                        return Err(format!("`{name}` would have no frame"));
                    }
                    self.statements()?;
                    continue;
                }
                _ if self.sign("->").is_ok() => {
                    let to = self.any_word()?;
                    for end in [&name, &to] {
                        if !self.nodes.contains(end) {
                            return Err(format!("an edge of `{end}`, which is not declared"));
                        }
                    }
                    if self.tokens.get(self.next) == Some(&Token::Sign("[")) {
                        self.attributes()?;
                    }
                }
                _ => {
                    self.attributes()?;
                    if !self.nodes.insert(name.clone()) {
                        return Err(format!("`{name}` is declared twice"));
                    }
                }
            }
            self.sign(";")?;
        }
        Ok(())
    }

    /// `[name=value, …]`
    fn attributes(&mut self) -> Result<(), String> {
        self.sign("[")?;
        loop {
            self.any_word()?;
            self.sign("=")?;
            if self.text().is_err() {
                self.any_word()?;
            }
            if self.sign("]").is_ok() {
                return Ok(());
            }
            self.sign(",")?;
        }
    }

    fn take<T>(&mut self, what: &str, wanted: impl Fn(&Token) -> Option<T>) -> Result<T, String> {
        let token = self.tokens.get(self.next);
        let found = token
            .and_then(wanted)
            .ok_or_else(|| format!("expected {what}, found {token:?}"))?;
        self.next += 1;
        Ok(found)
    }

    fn sign(&mut self, sign: &str) -> Result<(), String> {
        self.take(sign, |token| {
            (matches!(token, Token::Sign(other) if *other == sign)).then_some(())
        })
    }

    fn word(&mut self, word: &str) -> Result<(), String> {
        self.take(word, |token| {
            (matches!(token, Token::Word(other) if other == word)).then_some(())
        })
    }

    fn any_word(&mut self) -> Result<String, String> {
        self.take("a word", |token| match token {
            Token::Word(word) => Some(word.clone()),
            _ => None,
        })
    }

    fn text(&mut self) -> Result<(), String> {
        self.take("a text", |token| {
            matches!(token, Token::Text(_)).then_some(())
        })
    }
}

#[test]
fn the_reader_is_strict() {
    for (bad, expected) in [
        ("graph \"g\" {}", "expected digraph"),
        ("digraph \"g\" { a -> b; }", "not declared"),
        (
            "digraph \"g\" { a [label=\"x\"]; a [label=\"x\"]; }",
            "declared twice",
        ),
        ("digraph \"g\" { a [label=\"x\"] }", "expected ;"),
        ("digraph \"g\" { a [label=\"x]; }", "no end"),
        ("digraph \"g\" { a [label=x y]; }", "expected ,"),
        ("digraph \"g\" { a [label=\"\\x\"]; }", "before"),
        ("digraph \"g\" {} }", "behind the graph"),
        ("digraph \"g\" { <a> }", "outside of a text"),
    ] {
        let problem = check(bad).unwrap_err();
        assert!(problem.contains(expected), "{bad}: {problem}");
    }
}
