//! What is known, sent to an OpenTelemetry Collector: metrics and traces as protobuf over HTTP
//! (OTLP 1.x), named by the semantic conventions of OpenTelemetry where there are some.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, InstrumentationScope, KeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status, span, span::SpanKind, status::StatusCode,
};
use prost::Message;

use crate::board::{BUCKETS, Board, Event, Snapshot, View};
use crate::clock::{Clock, Time};
use crate::http::{Body, Client};
use crate::source::Failure;

/// How often metrics are sent.
const INTERVAL: Duration = Duration::from_secs(10);

/// Spans in one request, at most.
const BATCH: usize = 500;

/// Events that wait while nobody takes them; older ones are dropped.
const MAX_WAITING: usize = 4096;

/// Sends metrics and spans.
pub struct Exporter {
    client: Client,
    /// Without a slash at the end.
    base: String,
    started: Time,
    waiting: VecDeque<Event>,
}

impl Exporter {
    /// To a Collector's base URL, `http://localhost:4318`; `/v1/metrics` and `/v1/traces` are
    /// added.
    #[must_use]
    pub fn new(base: &str, client: Client, started: Time) -> Exporter {
        Exporter {
            client,
            base: base.trim_end_matches('/').to_owned(),
            started,
            waiting: VecDeque::new(),
        }
    }

    /// Sends what there is at an interval, and once more when it is told to stop.
    pub fn run(mut self, board: &Board, clock: &dyn Clock, stop: &dyn Fn() -> bool) {
        loop {
            let mut left = INTERVAL;
            while !left.is_zero() && !stop() {
                let nap = Duration::from_millis(100);
                std::thread::sleep(nap);
                left = left.saturating_sub(nap);
            }
            let sent = self.send(board, clock.now());
            let sentence = sent
                .err()
                .map(|failure| format!("OTLP to {} {failure}", self.base));
            board.trouble("otlp", sentence);
            if stop() {
                return;
            }
        }
    }

    /// # Errors
    /// The Collector does not take it. Spans are kept for the next time.
    pub fn send(&mut self, board: &Board, now: Time) -> Result<(), Failure> {
        self.waiting.extend(board.take_events());
        while self.waiting.len() > MAX_WAITING {
            self.waiting.pop_front();
        }
        let metrics = metrics(&board.snapshot(now), self.started);
        self.post("metrics", &metrics.encode_to_vec())?;
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(BATCH);
            let request = traces(self.waiting.iter().take(count));
            self.post("traces", &request.encode_to_vec())?;
            self.waiting.drain(..count);
        }
        Ok(())
    }

    fn post(&self, signal: &str, body: &[u8]) -> Result<(), Failure> {
        let url = format!("{}/v1/{signal}", self.base);
        let body = Body::Post("application/x-protobuf", body);
        self.client.ask(&url, body, &mut Vec::new()).map(drop)
    }
}

fn nanos(at: Time) -> u64 {
    at.0.saturating_mul(1_000_000)
}

fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn scope() -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: "tophash".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    })
}

fn resource(service: &str, target: Option<&str>) -> Option<Resource> {
    let mut attributes = vec![text("service.name", service)];
    attributes.extend(target.map(|target| text("service.instance.id", target)));
    Some(Resource {
        attributes,
        ..Resource::default()
    })
}

/// What a series is.
#[derive(Clone, Copy)]
enum Shape {
    Gauge,
    Counter,
    UpDown,
}

/// Points of one metric.
struct Points {
    now: u64,
    start: u64,
}

impl Points {
    fn metric(
        &self,
        (name, unit, description): (&str, &str, &str),
        shape: Shape,
        points: Vec<(Vec<KeyValue>, f64)>,
    ) -> Option<Metric> {
        if points.is_empty() {
            return None;
        }
        let data_points = points
            .into_iter()
            .map(|(attributes, value)| NumberDataPoint {
                attributes,
                start_time_unix_nano: match shape {
                    Shape::Gauge => 0,
                    Shape::Counter | Shape::UpDown => self.start,
                },
                time_unix_nano: self.now,
                value: Some(match shape {
                    Shape::Gauge => number_data_point::Value::AsDouble(value),
                    Shape::Counter | Shape::UpDown => number_data_point::Value::AsInt(value as i64),
                }),
                ..NumberDataPoint::default()
            })
            .collect();
        Some(Metric {
            name: name.to_owned(),
            unit: unit.to_owned(),
            description: description.to_owned(),
            data: Some(match shape {
                Shape::Gauge => Data::Gauge(Gauge { data_points }),
                Shape::Counter | Shape::UpDown => Data::Sum(Sum {
                    data_points,
                    aggregation_temporality: AggregationTemporality::Cumulative.into(),
                    is_monotonic: matches!(shape, Shape::Counter),
                }),
            }),
            ..Metric::default()
        })
    }
}

fn metrics(snapshot: &Snapshot, started: Time) -> ExportMetricsServiceRequest {
    let points = Points {
        now: nanos(snapshot.now),
        start: nanos(started),
    };
    let mut resource_metrics: Vec<ResourceMetrics> = Vec::new();
    let mut add = |resource: Option<Resource>, metrics: Vec<Metric>| {
        resource_metrics.push(ResourceMetrics {
            resource,
            scope_metrics: vec![ScopeMetrics {
                scope: scope(),
                metrics,
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        });
    };
    for view in &snapshot.targets {
        add(
            resource(&view.service, Some(&view.target)),
            of_target(view, &points),
        );
    }
    for (service, crashes) in &snapshot.crashes {
        let failures = snapshot
            .failures
            .iter()
            .filter(|(key, _)| key.service == *service);
        let failures = failures.map(|(key, count)| {
            let attributes = vec![
                text("tophash.map.failure.kind", &key.kind),
                text("tophash.map.failure.site", &key.site),
            ];
            (attributes, *count as f64)
        });
        let about = (
            "tophash.map.failures",
            "{failure}",
            "Map failures seen in logs",
        );
        let failures = points.metric(about, Shape::Counter, failures.collect());
        let ratio = crashes.of_maps as f64 / crashes.all.max(1) as f64;
        let about = (
            "tophash.map.failure.ratio",
            "1",
            "Share of a service's crashes that are map failures",
        );
        let ratio = points.metric(about, Shape::Gauge, vec![(Vec::new(), ratio)]);
        let about = (
            "tophash.crashes",
            "{crash}",
            "Crashes and recovered panics seen in logs",
        );
        let all = points.metric(
            about,
            Shape::Counter,
            vec![(Vec::new(), crashes.all as f64)],
        );
        add(
            resource(service, None),
            [failures, ratio, all].into_iter().flatten().collect(),
        );
    }
    ExportMetricsServiceRequest { resource_metrics }
}

fn of_target(view: &View, points: &Points) -> Vec<Metric> {
    let one = |value: f64| vec![(Vec::new(), value)];
    let mut metrics = Vec::new();
    if let Some(heap) = &view.heap {
        // When the process began is not known.
        let process = Points {
            start: 0,
            ..*points
        };
        let about = (
            "go.memory.allocated",
            "By",
            "Memory allocated to the heap by the application.",
        );
        metrics.extend(process.metric(about, Shape::Counter, one(heap.allocated_bytes as f64)));
        let about = (
            "go.memory.allocations",
            "{allocation}",
            "Count of allocations to the heap by the application.",
        );
        metrics.extend(process.metric(about, Shape::Counter, one(heap.allocated_objects as f64)));
        let about = ("tophash.heap.live", "By", "Live heap");
        metrics.extend(points.metric(about, Shape::Gauge, one(heap.live_bytes as f64)));
    }
    if let Some(count) = view.goroutines {
        let about = (
            "go.goroutine.count",
            "{goroutine}",
            "Count of live goroutines.",
        );
        let process = Points {
            start: 0,
            ..*points
        };
        metrics.extend(process.metric(about, Shape::UpDown, one(count as f64)));
    }
    if let Some(count) = view.waiting {
        let about = (
            "tophash.goroutine.waiting",
            "{goroutine}",
            "Goroutines that wait for a lock",
        );
        metrics.extend(points.metric(about, Shape::Gauge, one(count as f64)));
    }
    let sites = view.sites.iter().map(|site| {
        let attributes = vec![
            text("code.function.name", &site.spot.function),
            text("code.file.path", &site.spot.file),
            attribute(
                "code.line.number",
                Value::IntValue(i64::from(site.spot.line)),
            ),
        ];
        (attributes, site.live_bytes)
    });
    let about = (
        "tophash.map.memory",
        "By",
        "Live bytes in maps, by the line that fills them",
    );
    metrics.extend(points.metric(about, Shape::Gauge, sites.collect()));
    let states = crate::breaker::State::ALL.into_iter().map(|state| {
        let held = f64::from(u8::from(view.breaker == state));
        (vec![text("tophash.breaker.state", state.as_str())], held)
    });
    let about = (
        "tophash.breaker.state",
        "1",
        "1 for the state that the target's breaker is in",
    );
    metrics.extend(points.metric(about, Shape::Gauge, states.collect()));
    metrics.push(Metric {
        name: "tophash.poll.duration".to_owned(),
        unit: "s".to_owned(),
        description: "How long polls took".to_owned(),
        data: Some(Data::Histogram(Histogram {
            data_points: vec![HistogramDataPoint {
                start_time_unix_nano: points.start,
                time_unix_nano: points.now,
                count: view.polls.buckets.iter().sum(),
                sum: Some(view.polls.seconds),
                bucket_counts: view.polls.buckets.to_vec(),
                explicit_bounds: BUCKETS.to_vec(),
                ..HistogramDataPoint::default()
            }],
            aggregation_temporality: AggregationTemporality::Cumulative.into(),
        })),
        ..Metric::default()
    });
    metrics
}

/// A number that nobody else has: the standard library's hashers begin with random keys.
fn random() -> [u8; 8] {
    RandomState::new()
        .build_hasher()
        .finish()
        .max(1)
        .to_be_bytes()
}

fn traces<'a>(events: impl Iterator<Item = &'a Event>) -> ExportTraceServiceRequest {
    let resource_spans = events.map(|event| {
        let (resource, spans) = match event {
            Event::Poll {
                service, target, ..
            } => (resource(service, Some(target)), poll(event)),
            Event::Crash { service, .. } => (resource(service, None), crash(event)),
        };
        ResourceSpans {
            resource,
            scope_spans: vec![ScopeSpans {
                scope: scope(),
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }
    });
    ExportTraceServiceRequest {
        resource_spans: resource_spans.collect(),
    }
}

fn failed(message: &str) -> Option<Status> {
    Some(Status {
        message: message.to_owned(),
        code: StatusCode::Error.into(),
    })
}

/// A span for the poll, and one for each request below it.
fn poll(event: &Event) -> Vec<Span> {
    let Event::Poll {
        target,
        at,
        took,
        requests,
        error,
        ..
    } = event
    else {
        return Vec::new();
    };
    let trace_id = [random(), random()].concat();
    let mut root = Span {
        trace_id: trace_id.clone(),
        span_id: random().to_vec(),
        name: "poll".to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: nanos(*at),
        end_time_unix_nano: nanos(*at).saturating_add(took.as_nanos() as u64),
        attributes: vec![text("tophash.target", target)],
        ..Span::default()
    };
    if let Some((cause, message)) = error {
        root.attributes.push(text("error.type", cause.as_str()));
        root.status = failed(message);
    }
    let mut start = root.start_time_unix_nano;
    let mut spans = Vec::with_capacity(requests.len() + 1);
    for request in requests {
        let end = start.saturating_add(request.took.as_nanos() as u64);
        let mut attributes = vec![
            text("http.request.method", request.method),
            text("url.full", &request.url),
            attribute(
                "http.response.body.size",
                Value::IntValue(request.bytes as i64),
            ),
        ];
        if let Ok(uri) = request.url.parse::<ureq::http::Uri>()
            && let Some(host) = uri.host()
        {
            let port = match (uri.port_u16(), uri.scheme_str()) {
                (Some(port), _) => port,
                (None, Some("https")) => 443,
                (None, _) => 80,
            };
            attributes.push(text("server.address", host));
            attributes.push(attribute("server.port", Value::IntValue(port.into())));
        }
        let status = request.status.map(|status| Value::IntValue(status.into()));
        attributes.extend(status.map(|status| attribute("http.response.status_code", status)));
        let error = request.error.map(|cause| cause.as_str());
        attributes.extend(error.map(|error| text("error.type", error)));
        spans.push(Span {
            trace_id: trace_id.clone(),
            span_id: random().to_vec(),
            parent_span_id: root.span_id.clone(),
            name: request.method.to_owned(),
            kind: SpanKind::Client.into(),
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes,
            status: error.and_then(failed),
            ..Span::default()
        });
        start = end;
    }
    spans.insert(0, root);
    spans
}

/// A span with the exception in it, and its status set: an exception alone marks nothing as
/// failed.
fn crash(event: &Event) -> Vec<Span> {
    let Event::Crash {
        at,
        kind,
        finding,
        stack,
        ..
    } = event
    else {
        return Vec::new();
    };
    let place = &finding.place;
    let exception = span::Event {
        time_unix_nano: nanos(*at),
        name: "exception".to_owned(),
        attributes: vec![
            text("exception.type", kind),
            text("exception.message", &finding.message),
            text("exception.stacktrace", stack),
        ],
        ..span::Event::default()
    };
    vec![Span {
        trace_id: [random(), random()].concat(),
        span_id: random().to_vec(),
        name: "crash".to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: nanos(*at),
        end_time_unix_nano: nanos(*at),
        attributes: vec![
            text("error.type", kind),
            text(
                "code.function.name",
                finding.function.clone().unwrap_or_default(),
            ),
            text("code.file.path", &place.file),
            attribute("code.line.number", Value::IntValue(place.line.into())),
        ],
        events: vec![exception],
        status: failed(&finding.message),
        ..Span::default()
    }]
}
