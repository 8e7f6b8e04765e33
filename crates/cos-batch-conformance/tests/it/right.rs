//! The parts of this workspace keep the rules.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cos_batch_client::{Client, ClientBuilder, Endpoint, HttpTransport, Transport};
use cos_batch_conformance::{Group, Wire, api, wire};
use cos_batch_model::{BatchApi, BoxFuture, JobStatus, ListJobsRequest, RequestContext};
use cos_batch_server::{
    BatchService,
    listen::{self, ListenOptions},
};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use tokio::{net::TcpListener, sync::oneshot};
use tower::{Service as _, ServiceExt as _};

use crate::{
    router::Router,
    world::{InProcess, World, anonymous, appid, assert_conformant, credentials, keyed},
};

/// Checks of keys, which a system without keys need not pass.
fn auth() -> Vec<&'static str> {
    let need_no_key = ["auth/altered-body", "auth/bad-digest", "auth/replayed-create"];
    let ids = wire::checks().into_iter().map(|info| info.id);
    ids.filter(|id| id.starts_with("auth/") && !need_no_key.contains(id)).collect()
}

#[tokio::test]
async fn the_engine_in_process() {
    let world = World::new().await;
    assert_conformant(&api::run(world.api(), &world.setup(), Group::ALL).await, &[]);
    // A second run on a system that remembers the first, and is empty again but for that.
    assert_conformant(&api::run(world.api(), &world.setup(), Group::ALL).await, &[]);
    for index in [0, 1] {
        let context = RequestContext::new(appid(index), "r");
        assert_eq!(world.engine.list_jobs(&context, ListJobsRequest::default()).await.unwrap().jobs, []);
    }
}

#[tokio::test]
async fn other_jobs_are_not_in_the_way_and_stay() {
    let world = World::new().await;
    let context = RequestContext::new(appid(0), "r");
    let mut made = Vec::new();
    for number in 0..1100 {
        let mut request = world.some_request();
        request.client_request_token = format!("others-{number}").parse().unwrap();
        request.confirmation_required = true;
        made.push(world.engine.create_job(&context, request).await.unwrap().job_id);
    }
    // Checks wait a few seconds for a job to be prepared; on a busy machine a thousand before it take longer.
    let begun =
        ListJobsRequest { job_statuses: vec![JobStatus::New, JobStatus::Preparing], ..ListJobsRequest::default() };
    while !world.engine.list_jobs(&context, begun.clone()).await.unwrap().jobs.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let report = api::run(world.api(), &world.setup(), &[Group::Basic, Group::Errors, Group::Paging]).await;
    assert_conformant(&report, &[]);
    let page = world.engine.list_jobs(&context, ListJobsRequest::default()).await.unwrap();
    assert_eq!(page.jobs.iter().map(|row| &row.job_id).collect::<Vec<_>>(), made[..1000].iter().collect::<Vec<_>>());
    assert_eq!(page.next_token.unwrap().as_str(), made[999].as_str());
}

#[tokio::test]
async fn the_server_in_process() {
    let world = World::new().await;
    let wire = Arc::new(InProcess(keyed(world.api()).build().unwrap()));
    assert_conformant(&wire::run(wire, &world.setup(), Group::ALL).await, &[]);
}

#[tokio::test]
async fn the_server_that_lets_everybody_in() {
    let world = World::new().await;
    let wire = Arc::new(InProcess(anonymous(world.api())));
    let report = wire::run(wire, &world.anonymous_setup(), Group::ALL).await;
    assert_conformant(&report, &[vec!["errors/no-appid"], auth()].concat());
}

#[tokio::test]
async fn the_server_that_is_compatible() {
    let world = World::new().await;
    let compatible = cos_signature::Strictness::CosCompatible;
    let wire = Arc::new(InProcess(keyed(world.api()).strictness(compatible).build().unwrap()));
    let report = wire::run(wire, &world.setup().strictness(compatible), &[Group::Auth]).await;
    let strict = [
        "auth/body-without-digest",
        "auth/different-times",
        "auth/long-window",
        "auth/added-parameter",
        "auth/dropped-header",
        "auth/unsigned-appid",
        "auth/unsigned-header",
        "auth/unsigned-host",
        "auth/unsigned-token",
    ];
    assert_conformant(&report, &strict);
}

/// A client for each account.
fn clients<S: Transport + 'static>(builder: impl Fn() -> ClientBuilder<S>) -> Arc<dyn BatchApi> {
    let client = |index| -> (_, Arc<dyn BatchApi>) {
        let client = builder().appid(appid(index)).credentials(credentials(index)).build().unwrap();
        (appid(index), Arc::new(client))
    };
    Arc::new(Router([0, 1].into_iter().map(client).collect()))
}

#[tokio::test]
async fn the_client_without_a_socket() {
    let world = World::new().await;
    let service = keyed(world.api()).build().unwrap();
    let endpoint = Endpoint::url("http://batch.example:8080").unwrap();
    let api = clients(|| Client::builder().endpoint(endpoint.clone()).transport(service.clone()));
    assert_conformant(&api::run(api, &world.setup(), Group::ALL).await, &[]);
}

/// A server on loopback that runs until it is told to stop.
async fn listening<T>(service: BatchService, test: impl AsyncFnOnce(String) -> T) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        // An error is a stop as well: the test is over.
        let _ = stopped.await;
    };
    let server = tokio::spawn(listen::serve(listener, service, shutdown, ListenOptions::default()));
    let result = test(authority).await;
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    result
}

#[tokio::test]
async fn the_client_over_a_socket() {
    let world = World::new().await;
    listening(keyed(world.api()).build().unwrap(), async |authority| {
        let endpoint = Endpoint::url(&format!("http://{authority}")).unwrap();
        let api = clients(|| Client::builder().endpoint(endpoint.clone()));
        assert_conformant(&api::run(api, &world.setup().host(authority), Group::ALL).await, &[]);
    })
    .await;
}

/// HTTP over TCP to one address.
struct Socket {
    transport: HttpTransport,
    authority: String,
}

impl Wire for Socket {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, String>> {
        let mut transport = self.transport.clone();
        let (mut head, body) = request.into_parts();
        Box::pin(async move {
            let address = Uri::builder().scheme("http").authority(self.authority.as_str());
            let path = head.uri.path_and_query().cloned();
            head.uri = address.path_and_query(path.unwrap()).build().unwrap();
            let exchange = async {
                let ready = transport.ready().await.map_err(|error| error.to_string())?;
                let answer = ready.call(Request::from_parts(head, Full::new(body)));
                let (head, body) = answer.await.map_err(|error| error.to_string())?.into_parts();
                let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
                Ok(Response::from_parts(head, body))
            };
            tokio::time::timeout(Duration::from_secs(20), exchange).await.map_err(|error| error.to_string())?
        })
    }
}

#[tokio::test]
async fn the_server_over_a_socket() {
    let world = World::new().await;
    listening(keyed(world.api()).build().unwrap(), async |authority| {
        let wire = Arc::new(Socket { transport: HttpTransport::new().unwrap(), authority: authority.clone() });
        let report = wire::run(wire, &world.setup().host(authority), Group::ALL).await;
        assert_conformant(&report, &[]);
    })
    .await;
}
