//! Triggers that show a form, and fire when it is sent.
//!
//! Each form that is shown has a key of its own, of which the id of the run is made: sent twice, it starts one run.

mod field;

use std::net::IpAddr;

use hyper::body::Incoming;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use self::field::Field;
use super::ServeError;
use super::access::Access;
use super::key::plain;
use super::listen::{self, Answer, RUN};
use super::page::{escaped, page};
use super::settings::Settings;
use super::starter::{Started, Starter};
use super::webhook::payload;
use crate::value::{Object, text};

/// The field that holds the key.
const KEY: &str = "_key";
/// Nothing in the page comes from elsewhere, and nothing goes there.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'";

/// A form.
#[derive(Debug)]
pub(super) struct Form {
    node: String,
    path: String,
    title: String,
    description: String,
    button: String,
    thanks: String,
    fields: Vec<Field>,
    access: Access,
}

impl Form {
    pub(super) fn new(settings: &Settings) -> Result<Self, ServeError> {
        let mut fields: Vec<Field> = Vec::new();
        for said in settings.list("form_fields") {
            let field = Field::read(&said);
            let field = field.map_err(|it| settings.refuse(format!("`form_fields`: {it}")))?;
            if field.name == KEY || fields.iter().any(|known| known.name == field.name) {
                return Err(settings.refuse(format!(
                    "`form_fields`: there are two fields `{}`; rename one",
                    field.name
                )));
            }
            fields.push(field);
        }
        Ok(Self {
            node: settings.node.clone(),
            path: format!("/{}/{}", settings.name, settings.node),
            title: settings.text("form_title"),
            description: settings.text("form_description"),
            button: settings.text("submit_button_text"),
            thanks: settings.text("success_message"),
            fields,
            access: match settings.flag("require_auth") {
                true => Access::new(settings)?,
                false => Access::open(),
            },
        })
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) async fn answer(
        &self,
        starter: &Starter,
        request: Request<Incoming>,
        from: IpAddr,
    ) -> Answer {
        let now = Timestamp::now();
        let asked = self.access.check(from, request.headers(), now.as_second());
        if let Err(why) = asked {
            let mut answer = self.refuse(why.status(), why.reason());
            why.ask(answer.headers_mut());
            return answer;
        }
        match *request.method() {
            Method::GET | Method::HEAD => {
                let key = uuid::Uuid::new_v4().simple().to_string();
                self.page(StatusCode::OK, &key, &Object::new(), &[])
            }
            Method::POST if is_foreign(&request) => self.refuse(
                StatusCode::FORBIDDEN,
                "this form is not sent from other sites",
            ),
            Method::POST => self.take(starter, request, from, now).await,
            _ => {
                let mut answer = self.refuse(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "this method is not for here",
                );
                let methods = HeaderValue::from_static("GET, HEAD, POST");
                answer.headers_mut().insert(header::ALLOW, methods);
                answer
            }
        }
    }

    /// Starts the run of a form that was sent.
    async fn take(
        &self,
        starter: &Starter,
        request: Request<Incoming>,
        from: IpAddr,
        now: Timestamp,
    ) -> Answer {
        let (head, body) = request.into_parts();
        let body = match listen::body(body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let sent = match payload(&head.headers, &body) {
            Ok(sent) => sent,
            Err(reason) => return self.refuse(StatusCode::BAD_REQUEST, &reason),
        };
        let key = match sent.get(KEY).map(text).unwrap_or_default() {
            key if key.is_empty() => uuid::Uuid::new_v4().simple().to_string(),
            key => key,
        };
        let mut data = Object::new();
        let mut wrong = Vec::new();
        for field in &self.fields {
            match field.take(sent.get(&field.name)) {
                Ok(value) => drop(data.insert(field.name.clone(), value)),
                Err(reason) => wrong.push((field.name.as_str(), reason)),
            }
        }
        if !wrong.is_empty() {
            return self.page(StatusCode::UNPROCESSABLE_ENTITY, &key, &sent, &wrong);
        }
        let id = format!("{}{}", starter.prefix(&self.node), plain(&key));
        let outputs = json!({
            "form_data": data,
            "submitted_at": now.to_string(),
            "user_id": self.access.user(),
            "ip_address": from.to_string(),
        });
        let outputs = outputs.as_object().cloned().unwrap_or_default();
        match starter.start(&self.node, &id, outputs).await {
            Ok(Started::New(_) | Started::Known(_)) => {}
            Ok(Started::Other) => {
                return self.refuse(
                    StatusCode::CONFLICT,
                    "this form was sent already, with other values; open it anew to send it again",
                );
            }
            Err(error) => {
                tracing::warn!(id, %error, "a form could not start its workflow");
                return self.refuse(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the workflow could not be started; send the form again",
                );
            }
        }
        let thanks = format!("<p>{}</p>", escaped(&self.thanks));
        let mut answer = page(StatusCode::OK, &self.title, &thanks, POLICY);
        if let Ok(id) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert(RUN, id);
        }
        answer
    }

    /// The form, with what was sent and what is wrong with it.
    fn page(
        &self,
        status: StatusCode,
        key: &str,
        sent: &Object,
        wrong: &[(&str, String)],
    ) -> Answer {
        let mut inside = String::new();
        if !self.description.is_empty() {
            inside.push_str(&format!("<p>{}</p>", escaped(&self.description)));
        }
        inside.push_str("<form method=\"post\" accept-charset=\"utf-8\">");
        inside.push_str(&format!(
            "<input type=\"hidden\" name=\"{KEY}\" value=\"{}\">",
            escaped(key)
        ));
        for field in &self.fields {
            let reason = wrong.iter().find(|(name, _)| *name == field.name);
            inside.push_str(&field.html(sent.get(&field.name)));
            if let Some((_, reason)) = reason {
                inside.push_str(&format!("<div class=\"wrong\">{}</div>", escaped(reason)));
            }
        }
        inside.push_str(&format!(
            "<button>{}</button></form>",
            escaped(&self.button)
        ));
        page(status, &self.title, &inside, POLICY)
    }

    fn refuse(&self, status: StatusCode, reason: &str) -> Answer {
        let inside = format!("<p class=\"wrong\">{}</p>", escaped(reason));
        page(status, &self.title, &inside, POLICY)
    }
}

/// Whether a page of another site sends it: a browser would show there who asks too.
fn is_foreign(request: &Request<Incoming>) -> bool {
    let site = request
        .headers()
        .get(HeaderName::from_static("sec-fetch-site"));
    let site = site.map(HeaderValue::as_bytes);
    site.is_some_and(|site| site != b"same-origin" && site != b"none")
}

/// Whether a value is nothing.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value == ""
}
