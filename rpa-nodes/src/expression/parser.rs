use serde_json::Value;

use super::lexer::{Token, tokens};
use super::{Arithmetic, Comparison, ExpressionError, Node, functions, methods};
use crate::value::Path;

/// How deep parentheses may be nested: no author comes near it, and no text makes the parser run out of stack.
const DEEPEST: usize = 60;

pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    let tokens = tokens(text)?;
    if tokens.is_empty() {
        return Err(ExpressionError::new("the expression is empty"));
    }
    let mut parser = Parser {
        tokens,
        place: 0,
        end: text.len(),
        depth: 0,
    };
    let node = parser.expression()?;
    match parser.tokens.get(parser.place) {
        None => Ok(node),
        Some((at, Token::Symbol("="))) => Err(ExpressionError::at(
            *at,
            "`=` sets nothing here; write `==` to compare",
        )),
        Some((at, token)) => Err(ExpressionError::at(
            *at,
            format!("{} cannot stand here", described(token)),
        )),
    }
}

fn described(token: &Token) -> String {
    match token {
        Token::Integer(number) => format!("`{number}`"),
        Token::Float(number) => format!("`{number}`"),
        Token::Text(_) => "a text".to_owned(),
        Token::Name(name) => format!("`{name}`"),
        Token::Placeholder(path) => format!("`{{{{{path}}}}}`"),
        Token::Symbol(symbol) => format!("`{symbol}`"),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    place: usize,
    end: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place).map(|(_, token)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.place).map_or(self.end, |(at, _)| *at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.place += 1;
        token
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol);
        self.place += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(found)) if found == word);
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ExpressionError> {
        let at = self.at();
        if self.takes(symbol) {
            return Ok(());
        }
        Err(ExpressionError::at(at, format!("`{symbol}` is missing")))
    }

    fn expression(&mut self) -> Result<Node, ExpressionError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ExpressionError::at(
                self.at(),
                format!("more than {DEEPEST} expressions are nested; split it up with variables"),
            ));
        }
        let then = self.either()?;
        let node = if self.takes_word("if") {
            let condition = self.either()?;
            if !self.takes_word("else") {
                return Err(ExpressionError::at(self.at(), "`else` is missing"));
            }
            Node::Choice {
                condition: Box::new(condition),
                then: Box::new(then),
                otherwise: Box::new(self.expression()?),
            }
        } else {
            then
        };
        self.depth -= 1;
        Ok(node)
    }

    fn either(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.both()?;
        while self.takes_word("or") || self.takes("||") {
            left = Node::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.negation()?;
        while self.takes_word("and") || self.takes("&&") {
            left = Node::And(Box::new(left), Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Node, ExpressionError> {
        let mut negations = 0;
        while self.takes_word("not") || self.takes("!") {
            negations += 1;
        }
        let mut node = self.comparison()?;
        // Two negations make a truth value of what was none, so that none is left out.
        for _ in 0..negations {
            node = Node::Not(Box::new(node));
        }
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, ExpressionError> {
        let first = self.sum()?;
        let mut others = Vec::new();
        while let Some(comparison) = self.comparison_operator()? {
            others.push((comparison, self.sum()?));
        }
        if others.is_empty() {
            return Ok(first);
        }
        Ok(Node::Compare(Box::new(first), others))
    }

    fn comparison_operator(&mut self) -> Result<Option<Comparison>, ExpressionError> {
        for (symbol, comparison) in [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<>", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ] {
            if self.takes(symbol) {
                return Ok(Some(comparison));
            }
        }
        if self.takes_word("in") {
            return Ok(Some(Comparison::In));
        }
        if self.takes_word("is") {
            return Ok(Some(match self.takes_word("not") {
                true => Comparison::NotEqual,
                false => Comparison::Equal,
            }));
        }
        if self.takes_word("not") {
            if self.takes_word("in") {
                return Ok(Some(Comparison::NotIn));
            }
            return Err(ExpressionError::at(
                self.at(),
                "`in` is missing after `not`",
            ));
        }
        Ok(None)
    }

    fn sum(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.product()?;
        loop {
            let operator = if self.takes("+") {
                Arithmetic::Add
            } else if self.takes("-") {
                Arithmetic::Subtract
            } else {
                return Ok(left);
            };
            left = Node::Arithmetic(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.signed()?;
        loop {
            let operator = if self.takes("*") {
                Arithmetic::Multiply
            } else if self.takes("//") {
                Arithmetic::FloorDivide
            } else if self.takes("/") {
                Arithmetic::Divide
            } else if self.takes("%") {
                Arithmetic::Modulo
            } else {
                return Ok(left);
            };
            left = Node::Arithmetic(operator, Box::new(left), Box::new(self.signed()?));
        }
    }

    fn signed(&mut self) -> Result<Node, ExpressionError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(ExpressionError::at(self.at(), "too many signs in a row"));
        }
        let node = if self.takes("-") {
            Node::Negative(Box::new(self.signed()?))
        } else if self.takes("+") {
            Node::Positive(Box::new(self.signed()?))
        } else {
            let base = self.accesses()?;
            match self.takes("**") {
                true => {
                    Node::Arithmetic(Arithmetic::Power, Box::new(base), Box::new(self.signed()?))
                }
                false => base,
            }
        };
        self.depth -= 1;
        Ok(node)
    }

    fn accesses(&mut self) -> Result<Node, ExpressionError> {
        let mut node = self.atom()?;
        loop {
            if self.takes(".") {
                let at = self.at();
                let Some(Token::Name(name)) = self.next() else {
                    return Err(ExpressionError::at(at, "a name is missing after `.`"));
                };
                node = match self.takes("(") {
                    true if methods::is_known(&name) => {
                        Node::Method(Box::new(node), name, self.items(")")?)
                    }
                    true => {
                        return Err(ExpressionError::at(
                            at,
                            format!("there is no method `{name}` in expressions"),
                        ));
                    }
                    false => Node::Attribute(Box::new(node), name),
                };
            } else if self.takes("[") {
                node = self.index(node)?;
            } else {
                return Ok(node);
            }
        }
    }

    /// What follows `[` behind a value.
    fn index(&mut self, of: Node) -> Result<Node, ExpressionError> {
        let mut bounds = [None, None, None];
        if !self.takes(":") {
            let index = Box::new(self.expression()?);
            if self.takes("]") {
                return Ok(Node::Index(Box::new(of), index));
            }
            self.expect(":")?;
            bounds[0] = Some(index);
        }
        for bound in bounds.iter_mut().skip(1) {
            if self.takes("]") {
                return Ok(Node::Slice(Box::new(of), bounds));
            }
            if self.takes(":") {
                continue;
            }
            *bound = Some(Box::new(self.expression()?));
            if !self.takes(":") {
                self.expect("]")?;
                return Ok(Node::Slice(Box::new(of), bounds));
            }
        }
        self.expect("]")?;
        Ok(Node::Slice(Box::new(of), bounds))
    }

    /// Expressions separated by commas, up to `close`.
    fn items(&mut self, close: &str) -> Result<Vec<Node>, ExpressionError> {
        let mut items = Vec::new();
        while !self.takes(close) {
            items.push(self.expression()?);
            if !self.takes(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(items)
    }

    fn atom(&mut self) -> Result<Node, ExpressionError> {
        let at = self.at();
        match self.next() {
            Some(Token::Integer(number)) => Ok(Node::Constant(number.into())),
            Some(Token::Float(number)) => Ok(Node::Constant(number.into())),
            Some(Token::Text(text)) if crate::template::has_placeholder(&text) => {
                Ok(Node::Text(text))
            }
            Some(Token::Text(text)) => Ok(Node::Constant(text.into())),
            Some(Token::Placeholder(text)) => {
                let path = Path::parse(&text);
                Ok(Node::Placeholder(text, path))
            }
            Some(Token::Name(name)) => self.named(at, name),
            Some(Token::Symbol("(")) => {
                if self.takes(")") {
                    return Ok(Node::List(Vec::new()));
                }
                let first = self.expression()?;
                if self.takes(")") {
                    return Ok(first);
                }
                self.expect(",")?;
                let mut items = vec![first];
                items.extend(self.items(")")?);
                Ok(Node::List(items))
            }
            Some(Token::Symbol("[")) => Ok(Node::List(self.items("]")?)),
            Some(Token::Symbol("{")) => self.dict(),
            Some(token) => Err(ExpressionError::at(
                at,
                format!("a value is missing before {}", described(&token)),
            )),
            None => Err(ExpressionError::at(at, "the expression ends too early")),
        }
    }

    fn named(&mut self, at: usize, name: String) -> Result<Node, ExpressionError> {
        match name.as_str() {
            "True" | "true" => return Ok(Node::Constant(Value::Bool(true))),
            "False" | "false" => return Ok(Node::Constant(Value::Bool(false))),
            "None" | "null" => return Ok(Node::Constant(Value::Null)),
            "lambda" | "import" | "def" | "class" | "yield" | "await" | "for" | "while" | "and"
            | "or" | "in" | "is" | "if" | "else" => {
                return Err(ExpressionError::at(
                    at,
                    format!("`{name}` cannot stand here"),
                ));
            }
            _ => {}
        }
        if !self.takes("(") {
            return Ok(Node::Name(name));
        }
        if !functions::is_known(&name) {
            return Err(ExpressionError::at(
                at,
                format!(
                    "there is no function `{name}`; there are {}",
                    functions::NAMES.join(", ")
                ),
            ));
        }
        Ok(Node::Call(name, self.items(")")?))
    }

    /// What follows `{`.
    fn dict(&mut self) -> Result<Node, ExpressionError> {
        let mut pairs = Vec::new();
        while !self.takes("}") {
            let key = self.expression()?;
            self.expect(":")?;
            pairs.push((key, self.expression()?));
            if !self.takes(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Node::Dict(pairs))
    }
}
