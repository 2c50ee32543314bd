//! The envelope that goes out: ServiceResponse, in the form that was asked for.

use std::sync::Arc;

use super::out::{Data, Out, Style, json_text};
use super::projection::Projection;
use super::refusal::Refusal;
use super::show::Showing;
use crate::simulator::answer::{Answer, Format, Request};
use crate::simulator::http::Shared;
use crate::simulator::options::Options;
use crate::simulator::store::Record;

/// What every answer to one request has in common.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) style: Style,
    /// The server and the schema that XML answers name.
    url: String,
    schema: String,
}

/// What comes before the data.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Summary {
    pub(crate) count: usize,
    /// Only where there is data to page through.
    pub(crate) more: Option<bool>,
    /// Only where there is more.
    pub(crate) last_id: Option<u64>,
}

impl Envelope {
    pub(crate) fn new(shared: &Shared, request: &Request, options: &Options, schema: &str) -> Self {
        Self {
            style: Style::new(request.accept(), options),
            url: shared.url.clone(),
            schema: schema.to_owned(),
        }
    }

    pub(crate) fn with_schema(mut self, schema: String) -> Self {
        self.schema = schema;
        self
    }

    pub(crate) fn with_style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// An answer of records.
    pub(crate) fn records(
        &self,
        summary: Summary,
        records: &[Arc<Record>],
        showing: Showing<'_>,
        projection: &Projection,
    ) -> Answer {
        // A connector with three capabilities takes about 1.4 kB.
        let mut body = String::with_capacity(512 + records.len() * 1500);
        let object = showing.noun.object;
        self.open(summary, &mut body);
        let shown = |index: usize| projection.limit(showing.record(&records[index]));
        if self.style.format == Format::Json && matches!(self.style.data, Data::Object | Data::ObjectOfArray)
        {
            self.named_data(object, records.len(), &mut body, shown);
        } else {
            self.data(records.len(), &mut body, |index, body| self.element(object, &shown(index), body));
        }
        self.close(body)
    }

    /// An answer of ready elements, each under a name or, where the name is empty, right under `data`.
    pub(crate) fn elements(&self, summary: Summary, elements: &[(&str, Out<'_>)]) -> Answer {
        let mut body = String::new();
        self.open(summary, &mut body);
        self.data(elements.len(), &mut body, |index, body| {
            let (name, out) = &elements[index];
            self.element(name, out, body);
        });
        self.close(body)
    }

    fn element(&self, name: &str, out: &Out<'_>, body: &mut String) {
        match (self.style.format, name, out) {
            (Format::Json, "", _) => out.write_json(self.style, body),
            (Format::Json, _, _) => {
                body.push('{');
                json_text(name, body);
                body.push(':');
                out.write_json(self.style, body);
                body.push('}');
            }
            (Format::Xml, "", Out::Group(members)) => {
                for (name, value) in members {
                    value.write_xml(name, self.style, body);
                }
            }
            (Format::Xml, _, _) => out.write_xml(name, self.style, body),
        }
    }

    fn data(&self, count: usize, body: &mut String, mut write: impl FnMut(usize, &mut String)) {
        if count == 0 {
            return;
        }
        let bare = count == 1 && self.style.data == Data::ObjectWhenSingle;
        let (before, between, after) = match self.style.format {
            Format::Json if bare => (",\"data\":", "", ""),
            Format::Json => (",\"data\":[", ",", "]"),
            Format::Xml => ("<data>", "", "</data>"),
        };
        body.push_str(before);
        for index in 0..count {
            if index > 0 {
                body.push_str(between);
            }
            write(index, body);
        }
        body.push_str(after);
    }

    /// `data` as an object, with all records under the one name.
    fn named_data<'a>(&self, name: &str, count: usize, body: &mut String, shown: impl Fn(usize) -> Out<'a>) {
        if count == 0 {
            return;
        }
        let array = count > 1 || self.style.data == Data::ObjectOfArray;
        body.push_str(",\"data\":{");
        json_text(name, body);
        body.push_str(if array { ":[" } else { ":" });
        for index in 0..count {
            if index > 0 {
                body.push(',');
            }
            shown(index).write_json(self.style, body);
        }
        body.push_str(if array { "]}" } else { "}" });
    }

    fn open(&self, summary: Summary, body: &mut String) {
        let Summary { count, more, last_id } = summary;
        let mut head: Vec<(&str, Out<'_>)> = vec![
            ("responseCode", Out::Text("SUCCESS".into())),
            ("count", Out::Number(u64::try_from(count).unwrap_or(u64::MAX))),
        ];
        head.extend(more.map(|more| ("hasMoreRecords", Out::Flag(more))));
        head.extend(last_id.map(|id| ("lastId", Out::Number(id))));
        self.head(&head, body);
    }

    fn head(&self, head: &[(&str, Out<'_>)], body: &mut String) {
        match self.style.format {
            Format::Json => {
                body.push_str("{\"ServiceResponse\":{");
                for (index, (name, out)) in head.iter().enumerate() {
                    if index > 0 {
                        body.push(',');
                    }
                    json_text(name, body);
                    body.push(':');
                    out.write_json(self.style, body);
                }
            }
            Format::Xml => {
                body.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ServiceResponse xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"");
                body.push_str(&self.url);
                body.push_str("/qps/xsd/");
                body.push_str(&self.schema);
                body.push_str("\">");
                for (name, out) in head {
                    out.write_xml(name, self.style, body);
                }
            }
        }
    }

    fn close(&self, mut body: String) -> Answer {
        match self.style.format {
            Format::Json => {
                body.push_str("}}");
                Answer::new(200, "application/json", body)
            }
            Format::Xml => {
                body.push_str("</ServiceResponse>");
                Answer::new(200, "application/xml", body)
            }
        }
    }
}

/// The answer that says why not.
pub(crate) fn refuse(envelope: &Envelope, refusal: &Refusal) -> Answer {
    let details = Out::Group(vec![
        ("errorMessage", Out::Text(refusal.message.as_str().into())),
        ("errorResolution", Out::Text(refusal.resolution.as_str().into())),
    ]);
    let mut body = String::new();
    let code = Out::Text(refusal.code.into());
    envelope.head(&[("responseCode", code), ("responseErrorDetails", details)], &mut body);
    let mut answer = envelope.close(body);
    answer.status = refusal.status;
    answer
}
