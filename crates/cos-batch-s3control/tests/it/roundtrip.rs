//! Messages drawn from the tables: what we write we read back as the same, and the order of children does not matter.

use cos_batch_engine::JobSpec;
use cos_batch_model::xml::{self, FromXml, Mode, ToXml as _, XmlElement};
use cos_batch_s3control::{
    Owner,
    action::describe_job::DescribeJobResult,
    map::shown::Shown,
    request::{CreateJobRequest, PutJobTaggingRequest},
    shape::{Form, Member, Shape},
    shapes::job::{CREATE_JOB, PUT_JOB_TAGGING},
};
use proptest::{collection, option, prelude::*, sample};

use crate::messages::{CREATE, record, spec};

/// Most characters of a text, entries of a list and of a map that are drawn: the limits have tests of their own.
const DRAWN: usize = 4;

/// What is inside an element.
#[derive(Clone, Debug)]
enum Inside {
    Text(String),
    /// Elements of which the order counts.
    List(Vec<(&'static str, Inside)>),
    /// Elements of which it does not.
    Set(Vec<(&'static str, Inside)>),
}

impl Inside {
    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => {
                for c in text.chars() {
                    match c {
                        '<' => out.push_str("&lt;"),
                        '>' => out.push_str("&gt;"),
                        '&' => out.push_str("&amp;"),
                        other => out.push(other),
                    }
                }
            }
            Self::List(children) | Self::Set(children) => {
                for (name, inside) in children {
                    out.push_str(&format!("<{name}>"));
                    inside.write(out);
                    out.push_str(&format!("</{name}>"));
                }
            }
        }
    }

    /// The same with children that may stand in any order in another one.
    fn shuffled(&self, dice: &mut u64) -> Self {
        let mut children: Vec<_> = match self {
            Self::Text(_) => return self.clone(),
            Self::List(children) | Self::Set(children) => {
                children.iter().map(|(name, inside)| (*name, inside.shuffled(dice))).collect()
            }
        };
        if matches!(self, Self::List(_)) {
            return Self::List(children);
        }
        for last in (1..children.len()).rev() {
            *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            children.swap(last, usize::try_from(*dice >> 33).unwrap() % (last + 1));
        }
        Self::Set(children)
    }

    fn document(&self, root: &str) -> String {
        let mut text = format!("<{root} xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\">");
        self.write(&mut text);
        text + &format!("</{root}>")
    }
}

fn text(min: usize, max: usize, form: Form) -> BoxedStrategy<Inside> {
    let pattern = match form {
        Form::Any => format!("[ -~é好🦀]{{{min},{}}}", max.min(min + DRAWN)),
        Form::Tag => format!("[a-z é好9_.:/=+@-]{{{min},{}}}", max.min(min + DRAWN)),
        Form::Account => "[0-9]{12}".to_owned(),
        Form::S3Arn => "arn:aws(-cn)?:s3:::[a-z]{1,8}(/[!-~é]{1,4})?".to_owned(),
        Form::S3OrExpressArn => "arn:aws:s3(express)?:::[a-z]{1,8}".to_owned(),
        Form::RoleArn => "arn:aws:iam::[0-9]{12}:role/[a-z]{1,8}".to_owned(),
        Form::FunctionArn => "[a-z]{1,8}(:[0-9])?".to_owned(),
        Form::KmsKeyArn => "arn:aws:kms:eu-1:[0-9]{12}:key/[a-z0-9-]{1,8}".to_owned(),
        Form::JobId | Form::NextToken => unreachable!("no body has it"),
    };
    proptest::string::string_regex(&pattern).unwrap().prop_map(Inside::Text).boxed()
}

fn member(member: &'static Member) -> BoxedStrategy<Option<(&'static str, Inside)>> {
    let value = inside(member.shape).prop_map(|inside| (member.name, inside));
    if member.required { value.prop_map(Some).boxed() } else { option::of(value).boxed() }
}

fn inside(shape: &'static Shape) -> BoxedStrategy<Inside> {
    match shape {
        Shape::Text { min, max, form } => text(*min, *max, *form),
        Shape::Number { min, max } => (*min..=*max).prop_map(|number| Inside::Text(number.to_string())).boxed(),
        Shape::Flag => any::<bool>().prop_map(|flag| Inside::Text(flag.to_string())).boxed(),
        Shape::Time => (0_i64..4_000_000_000)
            .prop_map(|seconds| {
                Inside::Text(cos_batch_model::Timestamp::from_unix_seconds(seconds).unwrap().to_string())
            })
            .boxed(),
        Shape::Choice(allowed) => sample::select(*allowed).prop_map(|word| Inside::Text(word.to_owned())).boxed(),
        Shape::List { entry, of, min, max } => {
            let entries = collection::vec(inside(of), *min..=(*max).min(min + DRAWN));
            let named = |entries: Vec<Inside>| entries.into_iter().map(|inside| (*entry, inside)).collect();
            entries.prop_map(move |entries| Inside::List(named(entries))).boxed()
        }
        Shape::Map { min, max, key, value } => {
            let pairs = collection::vec((inside(key), inside(value)), *min..=(*max).min(min + DRAWN));
            let unique = pairs.prop_filter("each key once", |pairs| {
                let mut keys: Vec<String> = pairs.iter().map(|(key, _)| format!("{key:?}")).collect();
                keys.sort_unstable();
                keys.windows(2).all(|two| two[0] != two[1])
            });
            let entry = |(key, value)| ("entry", Inside::Set(vec![("key", key), ("value", value)]));
            unique.prop_map(move |pairs| Inside::Set(pairs.into_iter().map(entry).collect())).boxed()
        }
        Shape::Structure(members) => {
            let drawn: Vec<_> = members.iter().map(member).collect();
            drawn.prop_map(|members| Inside::Set(members.into_iter().flatten().collect())).boxed()
        }
        Shape::OneOf(members) => {
            let members: &'static [Member] = members;
            let one = sample::select((0..members.len()).collect::<Vec<_>>());
            let one = one.prop_flat_map(|place| inside(members[place].shape).prop_map(move |inside| (place, inside)));
            one.prop_map(|(place, inside)| Inside::Set(vec![(members[place].name, inside)])).boxed()
        }
    }
}

fn read<T: FromXml + XmlElement>(document: &str) -> Result<T, TestCaseError> {
    xml::from_slice(document.as_bytes(), Mode::Strict)
        .map_err(|error| TestCaseError::fail(format!("{error}\n{document}")))
}

/// What stands in an element of a document.
fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (from, end) = (document.find(&format!("<{name}>"))?, format!("</{name}>"));
    Some(&document[from..document.rfind(&end)? + end.len()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(drawn in inside(&CREATE_JOB), mut dice in any::<u64>()) {
        let request: CreateJobRequest = read(&drawn.document("CreateJobRequest"))?;
        let written = request.to_xml();
        let again: CreateJobRequest = read(&written)?;
        prop_assert_eq!(&again, &request);
        prop_assert_eq!(again.to_xml(), written.clone());
        let other: CreateJobRequest = read(&drawn.shuffled(&mut dice).document("CreateJobRequest"))?;
        prop_assert_eq!(&other, &request, "the order of children counts");
        prop_assert_eq!(other.to_xml(), written.clone());
        // A job is shown with what it was asked for.
        let asked = spec(&CreateJobRequest::read(CREATE.as_bytes()).unwrap()).unwrap();
        let mut job = record(JobSpec { request: written.clone(), ..asked });
        job.id = uuid::Uuid::from_u128(u128::from(dice));
        let shown = Shown::of(&job).unwrap();
        let owner = Owner {
            account: "123456789012".to_owned(), appid: "1250000000".parse().unwrap(), region: "snow".to_owned(),
        };
        let answer = DescribeJobResult { job: &job, shown, owner: &owner, active_seconds: 0 }.to_xml();
        for name in ["Operation", "Report"] {
            prop_assert_eq!(element(&answer, name), element(&written, name), "{} in {}", name, answer);
        }
    }

    #[test]
    fn tags_are_read_in_any_order_of_their_children(drawn in inside(&PUT_JOB_TAGGING), mut dice in any::<u64>()) {
        let request: PutJobTaggingRequest = read(&drawn.document("PutJobTaggingRequest"))?;
        let other = read(&drawn.shuffled(&mut dice).document("PutJobTaggingRequest"))?;
        prop_assert_eq!(request, other);
    }
}
