//! What servers and stores say, in Chinese where its form is known here.
//!
//! Findings and errors are made in English where they are found, and kept with the job. Here they are known by their form;
//! what has none of these forms is shown as it came. In a form, `{}` stands for a name or a number, `{~}` for one word that
//! is left out (a plural, a verb), `{w}` for a right; in the Chinese text `{0}` is the first of those that stay.

use std::borrow::Cow;

use crate::words::{Lang, Words};

/// English forms and their Chinese texts; the first that fits is taken, so that longer forms come before shorter ones.
const SAID: &[(&str, &str)] = &[
    // Rows of a manifest.
    (
        "{} {~} in buckets that APPID {} may not {w} will fail; the first is row {}, {}",
        "{0} 行将失败：APPID {1} 无权{2}其存储桶；其中第一行是第 {3} 行，{4}",
    ),
    (
        "{} {~} whose {~} {~} not begin with ResourcesPrefix will fail; the first is row {}, {}",
        "{0} 行将失败：对象键不以 ResourcesPrefix 开头；其中第一行是第 {1} 行，{2}",
    ),
    (
        "{} {~} whose {~} would have an empty key or one above {} bytes will fail; the first is row {}, {}",
        "{0} 行将失败：副本的对象键为空或超过 {1} 字节；其中第一行是第 {2} 行，{3}",
    ),
    ("{} {~} would be copied onto {~} the first is row {}, {}", "{0} 行会把对象复制到自身；其中第一行是第 {1} 行，{2}"),
    (
        "{} {~} {~} the manifest of this job, which is then deleted; the first is row {}, {}",
        "{0} 行是本任务的清单，清单将被删除；其中第一行是第 {1} 行，{2}",
    ),
    (
        "{} {~} {~} the same target as another one; which copy stays is not determined (among the first {})",
        "{0} 行与其他行的目标相同，最终保留哪个副本不确定（只比较了前 {1} 行）",
    ),
    (
        "{} {~} {~} the same target as another one; which copy stays is not determined",
        "{0} 行与其他行的目标相同，最终保留哪个副本不确定",
    ),
    ("{} {~} {~} another one (among the first {})", "{0} 行与其他行重复（只比较了前 {1} 行）"),
    ("{} {~} {~} another one", "{0} 行与其他行重复"),
    // Objects that were looked at.
    (
        "{} of {} {~} looked at {~} not exist, such as {}: to delete what is not there succeeds and changes nothing",
        "抽查的 {1} 个对象中有 {0} 个不存在，例如 {2}：删除不存在的对象会成功，但没有任何效果",
    ),
    ("{} of {} {~} looked at {~} not exist, such as {}", "抽查的 {1} 个对象中有 {0} 个不存在，例如 {2}"),
    ("{} of {} {~} looked at could not be looked at, such as {}", "抽查的 {1} 个对象中有 {0} 个无法查看，例如 {2}"),
    (
        "{} of {} {~} looked at {~} not archived, so that restoring fails, such as {}",
        "抽查的 {1} 个对象中有 {0} 个未归档，恢复将失败，例如 {2}",
    ),
    (
        "{} of {} {~} looked at {~} archived and not restored, so that copying fails, such as {}",
        "抽查的 {1} 个对象中有 {0} 个已归档且尚未恢复，复制将失败，例如 {2}",
    ),
    (
        "{} of {} {~} looked at {~} above 5 GB and {~} copied in parts, such as {}",
        "抽查的 {1} 个对象中有 {0} 个大于 5 GB，将分块复制，例如 {2}",
    ),
    (
        "{} of {} {~} looked at {~} an object at {~} target, which is replaced, such as {}",
        "抽查的 {1} 个对象中有 {0} 个的目标已有对象，将被覆盖，例如 {2}",
    ),
    ("{} of {} {~} looked at {~} there", "抽查的 {1} 个对象中有 {0} 个存在"),
    ("no object could be looked at in time", "未能及时查看任何对象"),
    // The request by itself.
    (
        "there is no completion report: which tasks failed can be asked of the server alone",
        "没有完成报告：只能向服务器查询哪些对象失败",
    ),
    ("rows that name a version delete that version for good", "指定了版本的行将永久删除该版本"),
    ("objects in a bucket that keeps no versions are deleted for good", "未启用版本控制的存储桶中的对象将被永久删除"),
    (
        "copies get the access rules of their bucket, not those of their source",
        "副本采用目标存储桶的访问权限，而非源对象的",
    ),
    (
        "nobody can end or shorten a retention in the mode COMPLIANCE once it is set",
        "COMPLIANCE 模式的保留期限一经设置，任何人都不能解除或缩短",
    ),
    ("keeps the rules of the API", "符合 API 的规则"),
    ("ClientRequestToken was already used, by job {}", "请求令牌已被任务 {0} 使用"),
    // Buckets and manifests.
    ("APPID {} may use every bucket that the request names", "APPID {0} 可以使用请求中的所有存储桶"),
    ("APPID {} may not {w} bucket {}", "APPID {0} 无权{1}存储桶 {2}"),
    ("{}: APPID {} may not {w} bucket {}", "{0}：APPID {1} 无权{2}存储桶 {3}"),
    ("is there, {} bytes, with this ETag", "存在，{0} 字节，ETag 相符"),
    ("Manifest.Location.ETag is {}, but the object has {}", "Manifest.Location.ETag 为 {0}，但对象的 ETag 为 {1}"),
    ("has no rows: there is nothing to do", "没有任何行，无事可做"),
    ("{} row, well-formed", "{0} 行，格式正确"),
    ("{} rows, all well-formed", "{0} 行，格式均正确"),
    ("about {} rows; those in the first {} bytes are well-formed", "约 {0} 行；前 {1} 字节中的行格式正确"),
    (
        "about {} rows; those that were read, in the first {} of {} files, are well-formed",
        "约 {0} 行；已读取的行（前 {1} 个文件，共 {2} 个）格式正确",
    ),
    ("rows name bucket {}: there is no such bucket", "清单中的存储桶 {0} 不存在"),
    ("{} and {} are in different object stores", "{0} 与 {1} 位于不同的对象存储中"),
    ("the object store of {} does not support {}", "{0} 的对象存储不支持：{1}"),
    ("{} is there, and its store can {~}", "{0} 存在，其对象存储支持该操作"),
    ("{}: there is no bucket {}", "{0}：没有存储桶 {1}"),
    ("{}: {} is there", "{0}：{1} 存在"),
    ("{} is not there ({})", "{0} 不存在（{1}）"),
    ("no such object (bucket {}, key {})", "对象不存在（存储桶 {0}，对象键 {1}）"),
    ("there is no job with this id", "没有此 ID 的任务"),
    // Rules of fields.
    ("{} must be {} to {} bytes, not {} {~}", "{0} 须为 {1} 至 {2} 字节，现为 {3} 字节"),
    ("{} must be a whole number in {}, not {}", "{0} 须为 {1} 之间的整数，不能是 {2}"),
    ("{} must be one of {}; not {}", "{0} 须为以下之一：{1}；不能是 {2}"),
    ("{} may have at most {} entries, not {}", "{0} 最多 {1} 项，现有 {2} 项"),
    ("{} is missing or empty", "{0} 缺失或为空"),
];

/// Rights, as findings name them.
const RIGHTS: [(&str, &str); 3] = [("read", "读取"), ("write", "写入"), ("delete", "删除")];

impl Words {
    /// What a server or a store said, in the reader's language where that is known.
    pub(crate) fn said<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.lang() == Lang::En {
            return Cow::Borrowed(text);
        }
        let found = SAID.iter().find_map(|(form, chinese)| Some((taken_apart(form, text)?, chinese)));
        found.map_or(Cow::Borrowed(text), |(parts, chinese)| Cow::Owned(put_together(chinese, &parts)))
    }

    /// What a finding is about.
    pub(crate) fn check<'a>(&self, check: &'a str) -> &'a str {
        if self.lang() == Lang::En {
            return check;
        }
        match check {
            "request" => "请求",
            "report" => "报告",
            "operation" => "操作",
            "access" => "权限",
            "buckets" => "存储桶",
            "manifest" => "清单",
            "rows" => "清单行",
            "source" => "源",
            "objects" => "对象",
            "targets" => "目标",
            other => other,
        }
    }
}

/// The names and numbers of a text that has this form.
fn taken_apart<'a>(form: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = form.split('{');
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut parts = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let (kind, literal) = piece.split_once('}')?;
        // What stands last in a form goes on to the end of the text.
        let end = match (literal, pieces.peek()) {
            ("", None) => rest.len(),
            (_, None) => rest.len().checked_sub(literal.len()).filter(|end| rest.get(*end..) == Some(literal))?,
            _ => rest.find(literal)?,
        };
        let part = &rest[..end];
        if part.is_empty() || kind == "~" && part.contains(' ') {
            return None;
        }
        match kind {
            "~" => {}
            "w" => parts.push(RIGHTS.iter().find(|(right, _)| *right == part)?.1),
            _ => parts.push(part),
        }
        rest = &rest[end + literal.len()..];
    }
    rest.is_empty().then_some(parts)
}

/// A text with its parts in their places.
fn put_together(chinese: &str, parts: &[&str]) -> String {
    let mut pieces = chinese.split('{');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (number, literal) = piece.split_once('}').unwrap_or(("", piece));
        text.push_str(number.parse().ok().and_then(|number: usize| parts.get(number)).unwrap_or(&""));
        text.push_str(literal);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart_and_names_stay_as_they_are() {
        let zh = Lang::Zh.words();
        for (text, chinese) in [
            (
                "1 row in buckets that APPID 12 may not read will fail; the first is row 9, a-1/x; y, z",
                "1 行将失败：APPID 12 无权读取其存储桶；其中第一行是第 9 行，a-1/x; y, z",
            ),
            ("2 rows repeat another one", "2 行与其他行重复"),
            ("1 row repeats another one (among the first 1000000)", "1 行与其他行重复（只比较了前 1000000 行）"),
            (
                "1 row would be copied onto itself; the first is row 1, a/b",
                "1 行会把对象复制到自身；其中第一行是第 1 行，a/b",
            ),
            (
                "1 of 3 objects looked at does not exist, such as {0} of {}",
                "抽查的 3 个对象中有 1 个不存在，例如 {0} of {}",
            ),
            ("1 row, well-formed", "1 行，格式正确"),
            ("Report.Bucket: b-1 is there", "Report.Bucket：b-1 存在"),
            ("b-1 is there, and its store can copy", "b-1 存在，其对象存储支持该操作"),
            ("Description must be 1 to 256 bytes, not 300 bytes", "Description 须为 1 至 256 字节，现为 300 字节"),
        ] {
            assert_eq!(zh.said(text), chinese);
            assert_eq!(Lang::En.words().said(text), text);
        }
        for unknown in ["", "row", "{}", "some other words", "1 of 2 objects looked at  not exist, such as x"] {
            assert_eq!(zh.said(unknown), unknown);
        }
    }

    /// As the engine's own tests have them: a finding that is put in other words there needs them here as well.
    #[test]
    fn every_finding_of_the_engine_is_known() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../cos-batch-engine/src/checks/snapshots");
        let mut findings = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let page = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let begins = ["Ok: ", "Warning: ", "Error: "];
            for finding in page.lines().filter_map(|line| begins.iter().find_map(|level| line.strip_prefix(level))) {
                assert_ne!(Lang::Zh.words().said(finding), finding);
                findings += 1;
            }
        }
        assert!(findings > 15, "{findings} findings");
    }

    #[test]
    fn each_text_uses_the_parts_that_its_form_has() {
        for (form, chinese) in SAID {
            let parts = form.matches("{}").count() + form.matches("{w}").count();
            let used = (0..10).filter(|number| chinese.contains(&format!("{{{number}}}"))).count();
            assert_eq!(used, parts, "{form}");
            assert!(!form.contains("}{"), "{form}: nothing stands between two parts");
            let fits = SAID.iter().position(|(other, _)| taken_apart(other, &sample(form)).is_some());
            assert_eq!(fits.map(|at| SAID[at].0), Some(*form), "an earlier form takes its place");
        }
    }

    fn sample(form: &str) -> String {
        form.replace("{}", "7").replace("{~}", "word").replace("{w}", "read")
    }
}
