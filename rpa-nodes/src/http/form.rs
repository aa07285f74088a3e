/// A form with files, as `multipart/form-data`.
#[derive(Debug)]
pub(crate) struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    /// An empty form. What separates its parts must not stand in them.
    pub(crate) fn new(boundary: String) -> Self {
        Self {
            boundary,
            body: Vec::new(),
        }
    }

    /// Adds a field.
    pub(crate) fn field(&mut self, name: &str, value: &str) {
        let head = format!(
            "Content-Disposition: form-data; name=\"{}\"\r\n",
            quoted(name)
        );
        self.part(&head, value.as_bytes());
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, name: &str, file: &str, content: &[u8]) {
        let head = format!(
            "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: application/octet-stream\r\n",
            quoted(name),
            quoted(file)
        );
        self.part(&head, content);
    }

    fn part(&mut self, head: &str, content: &[u8]) {
        let head = format!("--{}\r\n{head}\r\n", self.boundary);
        self.body.extend(head.as_bytes());
        self.body.extend(content);
        self.body.extend(b"\r\n");
    }

    /// The type of the body, and the body.
    pub(crate) fn end(mut self) -> (String, Vec<u8>) {
        self.body
            .extend(format!("--{}--\r\n", self.boundary).as_bytes());
        (
            format!("multipart/form-data; boundary={}", self.boundary),
            self.body,
        )
    }
}

fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace(['\r', '\n'], " ")
}
