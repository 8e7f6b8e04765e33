//! Signatures computed elsewhere: by an independent program (A to D), by the official Go SDK (G), and the worked
//! example of the COS documentation.

use cos_signature::{Credentials, KeyTime, NameList, SigningKey, canonical, sign};

use super::*;

const JOB: &str = "/jobs/53dc6228-c50b-46f7-8ad7-65e7159f1aae";
const TOKEN: &str = "tok/en+1=";

fn http_string(parts: &Parts, header_list: &str, param_list: &str) -> String {
    let text = canonical::http_string(parts, &NameList::parse(header_list), &NameList::parse(param_list));
    String::from_utf8(text).unwrap()
}

/// The third line of the StringToSign.
fn digest(http_string: &str) -> String {
    canonical::string_to_sign(hour(), http_string.as_bytes()).lines().nth(2).unwrap().to_owned()
}

#[test]
fn a_describe() {
    let headers = [("host", "127.0.0.1:8080"), ("x-cos-appid", "1250000000")];
    let parts = signed(request("GET", JOB, &headers), &credentials());
    let text = http_string(&parts, "host;x-cos-appid", "");
    assert_eq!(text, format!("get\n{JOB}\n\nhost=127.0.0.1%3A8080&x-cos-appid=1250000000\n"));
    assert_eq!(
        canonical::string_to_sign(hour(), text.as_bytes()),
        "sha1\n1700000000;1700003600\n76f8c57f8eb4e48d448b5b0c19a8e8ef1dc0822d\n"
    );
    assert!(authorization(&parts).ends_with("&q-signature=95478b32911da8de64a73121a77667bf1c521756"));
    assert_eq!(strict(&parts), Ok(()));
}

#[test]
fn b_list() {
    let uri = "/jobs?jobStatuses=Active&maxResults=2&nextToken=066d919e-49b9-429e-b844-e17ea7b16421";
    let headers = [("host", "100000000001.cos-control.ap-chengdu.myqcloud.com"), ("x-cos-appid", "1250000000")];
    let parts = signed(request("GET", uri, &headers), &credentials());
    let text = http_string(&parts, "host;x-cos-appid", "jobstatuses;maxresults;nexttoken");
    assert_eq!(digest(&text), "53b2be7f6ea16142021c636ed15620642357b990");
    assert!(authorization(&parts).ends_with("&q-signature=314a6229b8e79e3e1cf0defc64dcc8e3779fdd67"));
}

#[test]
fn c_status_with_a_temporary_key() {
    let uri = format!("{JOB}/status?requestedJobStatus=Ready&statusUpdateReason=to%20do%20(now)%20*~'!");
    let headers = [("content-length", "0"), ("host", "127.0.0.1:8080"), ("x-cos-appid", "1250000000")];
    let parts = signed(request("POST", &uri, &headers), &credentials().with_security_token(TOKEN));
    let text = http_string(
        &parts,
        "content-length;host;x-cos-appid;x-cos-security-token",
        "requestedjobstatus;statusupdatereason",
    );
    assert_eq!(
        text,
        "post\n/jobs/53dc6228-c50b-46f7-8ad7-65e7159f1aae/status\n\
         requestedjobstatus=Ready&statusupdatereason=to%20do%20%28now%29%20%2A~%27%21\n\
         content-length=0&host=127.0.0.1%3A8080&x-cos-appid=1250000000&x-cos-security-token=tok%2Fen%2B1%3D\n"
    );
    assert_eq!(digest(&text), "9c54339284db405ca8f2d1c5edc33be095e712aa");
    assert_eq!(
        authorization(&parts),
        "q-sign-algorithm=sha1&q-ak=AKIDEXAMPLEONLYNOTREAL0001&q-sign-time=1700000000;1700003600\
         &q-key-time=1700000000;1700003600&q-header-list=content-length;host;x-cos-appid;x-cos-security-token\
         &q-url-param-list=requestedjobstatus;statusupdatereason\
         &q-signature=57d0ed33ba60f30ea20bda05edcd509b323a1e5c"
    );
    assert_eq!(strict(&parts), Ok(()));
}

#[test]
fn d_create() {
    let headers = [
        ("content-length", "37"),
        ("content-md5", "jwlRQhy+aqjGnxn08+/Tig=="),
        ("content-type", "application/xml"),
        ("host", "127.0.0.1:8080"),
        ("x-cos-appid", "1250000000"),
    ];
    let parts = signed(request("POST", "/jobs", &headers), &credentials());
    let text = http_string(&parts, "content-length;content-md5;content-type;host;x-cos-appid", "");
    assert_eq!(digest(&text), "5acd541f913eed4d2f2b8e822437b5bfc98eacd8");
    assert!(authorization(&parts).ends_with("&q-signature=9be0758ac311b78a514f0592f4863d670db90347"));
}

#[test]
fn g_as_the_go_sdk_signs() {
    let hour = KeyTime::new(1_795_474_326, 1_795_477_926).unwrap();
    let status = "/jobs/j/status?requestedJobStatus=Ready&statusUpdateReason=to+do+%28now%29+%2A~%27%21%2B";
    let vectors = [
        ("GET", JOB, "bb4c9d0cdaece2816bce8c392a52a249f923f9ff"),
        (
            "GET",
            "/jobs?jobStatuses=Active%2CReady&maxResults=2&nextToken=tok",
            "9e61e3ab2047b0addabd9040d0d9153cdc24ed56",
        ),
        ("POST", status, "e8a0c2b104164fee169723c9af8a2be2e5650377"),
    ];
    let credentials = credentials().with_security_token(TOKEN);
    let key = SigningKey::derive(&credentials.secret_key, hour);
    for (method, uri, signature) in vectors {
        let mut request = request(method, uri, &[("host", "127.0.0.1:18099"), ("x-cos-appid", "1250000000")]);
        if method == "POST" {
            request.headers_mut().insert("content-length", "0".parse().unwrap());
        }
        cos_signature::sign_with(&mut request, &credentials, &key).unwrap();
        let (parts, ()) = request.into_parts();
        assert!(authorization(&parts).ends_with(signature), "{method} {uri}: {}", authorization(&parts));
        assert_eq!(check(&parts, 1_795_474_326, Strictness::Strict), Ok(()));
    }
}

/// The download of the documentation's example; the page masks the end of the signature, which other implementations
/// compute too.
#[test]
fn the_documented_download() {
    let key_time = KeyTime::new(1_557_989_753, 1_557_996_953).unwrap();
    let documented = Credentials::new(SECRET_ID, "BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz");
    let uri = "/exampleobject(%E8%85%BE%E8%AE%AF%E4%BA%91)?response-content-type=application%2Foctet-stream\
               &response-cache-control=max-age%3D600";
    let headers =
        [("date", "Thu, 16 May 2019 06:55:53 GMT"), ("host", "examplebucket-1250000000.cos.ap-beijing.myqcloud.com")];
    let mut request = request("GET", uri, &headers);
    // We do not sign the date; the example does.
    let authorization = format!(
        "q-sign-algorithm=sha1&q-ak={SECRET_ID}&q-sign-time={key_time}&q-key-time={key_time}&q-header-list=date;host\
         &q-url-param-list=response-cache-control;response-content-type\
         &q-signature=01681b8c9d798a678e43b685a9f1bba0f6c0e012"
    );
    request.headers_mut().insert("authorization", authorization.parse().unwrap());
    let (parts, ()) = request.into_parts();

    let presented = Presented::from_parts(&parts).unwrap();
    let text = canonical::http_string(&parts, &presented.header_list, &presented.url_param_list);
    assert!(text.starts_with("get\n/exampleobject(腾讯云)\nresponse-cache-control=max-age%3D600&".as_bytes()));
    assert_eq!(
        canonical::string_to_sign(key_time, &text),
        "sha1\n1557989753;1557996953\n54ecfe22f59d3514fdc764b87a32d8133ea611e6\n"
    );
    let key = Some(&documented.secret_key);
    assert_eq!(verify(&parts, &presented, key, 1_557_989_753, Strictness::Strict), Ok(()));

    let mut ours = super::request("GET", uri, &headers[1..]);
    sign(&mut ours, &documented, key_time).unwrap();
    let (parts, ()) = ours.into_parts();
    let presented = Presented::from_parts(&parts).unwrap();
    assert_eq!(verify(&parts, &presented, key, 1_557_989_753, Strictness::Strict), Ok(()));
}
