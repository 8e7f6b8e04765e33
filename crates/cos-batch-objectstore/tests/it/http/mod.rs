//! Stores behind HTTP, against servers of others and of our own.

mod answers;
mod connections;
mod cos;
mod doing;
mod faults;
mod forms;
mod gateway;
mod moto;
mod python;
mod s3;
mod script;
mod sdk;
mod seaweed;
mod signed;
mod tls;
mod url_credentials;
