//! What many clients do at random to the same jobs is as if it had been done one after the other: each call takes effect at
//! one moment between its beginning and its answer.

mod act;
mod check;
mod model;
mod sound;
mod token;

pub(crate) use self::{
    act::{Plan, Team, request},
    check::assert_one_after_the_other,
    token::one_token_makes_one_job,
};
use crate::support::{Place, SOURCE, Server};

fn team(server: &Server, etag: &str) -> Team {
    let (id, secret) = server.key();
    Team::new(std::slice::from_ref(&server.endpoint), &id, &secret, request(SOURCE, etag))
}

fn place() -> (Place, String) {
    let place = Place::new();
    let rows = place.fill(5);
    let etag = place.write_manifest(&rows.text);
    (place, etag)
}

/// Flags of servers whose callers need not wait for each other, however many they are.
pub(crate) const OPEN: [&str; 2] = ["--requests-per-second", "1000000"];

fn serve(place: &Place) -> Server {
    Server::start_with(place, &OPEN)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_is_as_if_it_served_one_client_at_a_time() {
    let (place, etag) = place();
    let server = serve(&place);
    let events = team(&server, &etag).act(Plan::of(8, 150)).await;
    assert_one_after_the_other(&events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_makes_one_job_of_one_token() {
    let (place, etag) = place();
    let server = serve(&place);
    one_token_makes_one_job(&team(&server, &etag)).await;
}
