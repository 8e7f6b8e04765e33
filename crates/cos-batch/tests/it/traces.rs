//! Traces: what a collector is sent of a real run, and what happens where there is none.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind},
};
use prost::Message as _;

use crate::support::{Place, SOURCE, Server, program, run, write_private};

/// What the caller of one request says it is.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// The names of the services that sent something, and all spans.
type Collected = (Vec<String>, Vec<Span>);

/// Answers whoever sends batches, until a connection says `end`.
fn collector() -> (String, JoinHandle<Collected>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut services, mut spans) = (Vec::new(), Vec::new());
        loop {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            while let Some((line, body)) = request(&mut stream) {
                if line.starts_with("GET /end") {
                    return (services, spans);
                }
                assert_eq!(line, "POST /v1/traces HTTP/1.1");
                let batch = ExportTraceServiceRequest::decode(&body[..]).unwrap();
                for of_resource in batch.resource_spans {
                    services.extend(text(&of_resource.resource.unwrap().attributes, "service.name"));
                    spans.extend(of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans));
                }
                stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
        }
    });
    (endpoint, thread)
}

/// The first line of a request, and its body; nothing at the end of a connection.
fn request(stream: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut first, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match (line.trim_end(), first.is_some()) {
            ("", _) => break,
            (line, false) => first = Some(line.to_owned()),
            (line, true) => {
                let (name, value) = line.split_once(": ").unwrap();
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.parse().unwrap();
                }
            }
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Some((first?, body))
}

fn value(attributes: &[KeyValue], name: &str) -> Option<Value> {
    attributes.iter().find(|attribute| attribute.key == name)?.value.clone()?.value
}

fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    match value(attributes, name)? {
        Value::StringValue(text) => Some(text),
        other => panic!("{name} is {other:?}"),
    }
}

fn number(span: &Span, name: &str) -> Option<i64> {
    match value(&span.attributes, name)? {
        Value::IntValue(number) => Some(number),
        other => panic!("{name} is {other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// Sends a request without a key, and waits for the answer's first line.
fn ask(endpoint: &str, path: &str, traceparent: &str) -> String {
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nx-cos-appid: 1250000000\r\ntraceparent: {traceparent}\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer
}

#[test]
fn a_collector_is_sent_the_requests_and_the_work_of_a_job() {
    let place = Place::new();
    let mut rows = place.fill(3);
    rows.add_failing(SOURCE, "in/gone");
    let etag = place.write_manifest(&rows.text);
    let (collector, spans) = collector();
    let config = place.file("config.toml");
    // The flag goes before the file.
    fs::write(&config, "[traces]\nendpoint = \"http://127.0.0.1:9\"\nservice_name = \"batch-test\"\n").unwrap();
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap(), "--traces-endpoint", &collector]);
    let job = server.create_copy(&etag, &[]);
    server.run(&["wait", &job]);
    let answer = ask(&server.endpoint, &format!("/jobs/{job}"), &format!("00-{TRACE}-{CALLER}-01"));
    assert!(answer.contains(" 403 "), "{answer}");
    let unsampled = format!("00-{}-{CALLER}-00", TRACE.replace('0', "1"));
    ask(&server.endpoint, "/jobs/unsampled", &unsampled);
    assert_eq!(server.terminate().code(), Some(0));
    write!(TcpStream::connect(collector.strip_prefix("http://").unwrap()).unwrap(), "GET /end HTTP/1.1\r\n\r\n")
        .unwrap();
    let (services, spans) = spans.join().unwrap();
    assert!(!services.is_empty() && services.iter().all(|name| name == "batch-test"), "{services:?}");

    let named = |name: &str| -> Vec<&Span> { spans.iter().filter(|span| span.name == name).collect() };
    let of_job = job.replace('-', "");
    let [root] = named("job")[..] else { panic!("{:?}", named("job")) };
    assert_eq!((hex(&root.trace_id), root.parent_span_id.len()), (of_job.clone(), 0));
    assert_eq!(text(&root.attributes, "status").as_deref(), Some("Complete"));
    let figures = ["rows", "succeeded", "failed"].map(|name| number(root, name));
    assert_eq!(figures, [Some(4), Some(3), Some(1)]);
    for name in ["prepare", "shard", "finish"] {
        let [span] = named(name)[..] else { panic!("{name}: {:?}", named(name)) };
        assert_eq!((&span.trace_id, &span.parent_span_id), (&root.trace_id, &root.span_id), "{name}");
        assert_eq!(text(&span.attributes, "job").as_ref(), Some(&job), "{name}");
        assert_eq!(number(span, "rows"), Some(4), "{name}");
        assert!(span.start_time_unix_nano >= root.start_time_unix_nano, "{name}");
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano, "{name}");
        assert!(span.end_time_unix_nano <= root.end_time_unix_nano, "{name}");
    }
    assert_eq!(number(named("shard")[0], "shard"), Some(0));

    let requests = named("request");
    assert!(requests.iter().all(|span| span.kind() == SpanKind::Server));
    let of = |action: &str| -> Vec<&Span> {
        let is_it = |span: &&&Span| text(&span.attributes, "action").as_deref() == Some(action);
        requests.iter().filter(is_it).copied().collect()
    };
    let [create] = of("CreateJob")[..] else { panic!("{requests:?}") };
    assert_eq!((number(create, "status"), text(&create.attributes, "job").as_ref()), (Some(200), Some(&job)));
    assert!(text(&create.attributes, "request_id").is_some());
    assert_eq!((hex(&create.links[0].trace_id), &create.links[0].span_id), (of_job, &root.span_id));
    let below: Vec<_> = of("DescribeJob").into_iter().filter(|span| hex(&span.trace_id) == TRACE).collect();
    let [described] = below[..] else { panic!("{requests:?}") };
    assert_eq!((hex(&described.parent_span_id).as_str(), number(described, "status")), (CALLER, Some(403)));
    assert_eq!(text(&described.attributes, "code").as_deref(), Some("AccessDenied"));
    // Whoever keeps no trace of a call wants none of ours below it.
    assert!(requests.iter().all(|span| text(&span.attributes, "job").as_deref() != Some("unsampled")));
}

#[test]
fn a_collector_that_is_away_costs_a_line_in_the_log_and_nothing_else() {
    let place = Place::new();
    let rows = place.fill(2);
    let etag = place.write_manifest(&rows.text);
    let config = place.file("config.toml");
    // A port at which no test listens.
    fs::write(&config, "[traces]\nendpoint = \"http://127.0.0.1:1\"\n").unwrap();
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let job = server.create_copy(&etag, &[]);
    server.run(&["wait", &job]).with_code(0);
    // What waits is tried once more before the end, and given up.
    assert_eq!(server.terminate().code(), Some(0));
    let log = fs::read_to_string(place.file("serve.log")).unwrap();
    assert_eq!(log.matches("traces cannot be sent").count(), 1, "{log}");
    assert!(log.contains("refused"), "{log}");
}

#[test]
fn wrong_settings_of_traces_are_refused_by_their_name() {
    let place = Place::new();
    let file = place.file("config.toml");
    for (settings, variables, says) in [
        ("sample_ratio = 2.0\n", &[][..], "2 is no number from 0 to 1"),
        ("endpoint = \"collector:4318\"\n", &[], "an address begins with http:// or https://"),
        ("", &[("OTEL_TRACES_SAMPLER_ARG", "all")], "the variable OTEL_TRACES_SAMPLER_ARG: \"all\" is no number"),
    ] {
        let _ = fs::remove_file(&file);
        write_private(&file, &format!("[traces]\n{settings}"));
        let mut command = program();
        command.args(["config", "check", "--data", "x", "--config"]).arg(&file).envs(variables.iter().copied());
        let said = run(&mut command);
        assert!(said.code == 2 && said.err.contains(says), "{said:?}");
    }
}
