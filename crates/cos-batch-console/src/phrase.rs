//! Sentences with numbers in them, as each language puts them.

use crate::{
    format::number,
    words::{Lang, Words},
};

impl Words {
    /// So many rows.
    pub(crate) fn rows(&self, rows: u64) -> String {
        match (self.lang(), rows) {
            (Lang::En, 1) => "1 row".to_owned(),
            (Lang::En, _) => format!("{} rows", number(rows)),
            (Lang::Zh, _) => format!("{} 行", number(rows)),
        }
    }

    /// What is counted, where the number stands by itself.
    pub(crate) fn tasks(&self, tasks: u64) -> &'static str {
        match (self.lang(), tasks) {
            (Lang::En, 1) => "task",
            (Lang::En, _) => "tasks",
            (Lang::Zh, _) => "个对象",
        }
    }

    /// How far a job is, for those who do not see its bar.
    pub(crate) fn done(&self, done: u64, total: u64, failed: u64) -> String {
        let (of, failed) = (number(total), number(failed));
        match self.lang() {
            Lang::En => format!("{} of {of} {}, {failed} failed", number(done), self.tasks(total)),
            Lang::Zh => format!("共 {of} 个对象，已完成 {} 个，失败 {failed} 个", number(done)),
        }
    }

    /// Goes on after a percentage: of how many.
    pub(crate) fn of(&self, total: u64) -> String {
        match self.lang() {
            Lang::En => format!(" of {}", number(total)),
            Lang::Zh => format!("，共 {} 个", number(total)),
        }
    }

    /// So many failed.
    pub(crate) fn so_many_failed(&self, failed: u64) -> String {
        match self.lang() {
            Lang::En => format!("{} failed", number(failed)),
            Lang::Zh => format!("失败 {} 个", number(failed)),
        }
    }

    /// A time that is left.
    pub(crate) fn left(&self, time: &str) -> String {
        match self.lang() {
            Lang::En => format!("{time} left"),
            Lang::Zh => format!("剩余 {time}"),
        }
    }

    /// A time that it took.
    pub(crate) fn took(&self, time: &str) -> String {
        match self.lang() {
            Lang::En => format!("took {time}"),
            Lang::Zh => format!("耗时 {time}"),
        }
    }

    /// Not exactly so much.
    pub(crate) fn about(&self, what: &str) -> String {
        match self.lang() {
            Lang::En => format!("about {what}"),
            Lang::Zh => format!("约 {what}"),
        }
    }

    /// Rows, and the size of their objects where it is known.
    pub(crate) fn extent(&self, rows: u64, exact: bool, size: Option<String>) -> String {
        let rows = self.rows(rows);
        let rows = if exact { rows } else { self.about(&rows) };
        match (size, self.lang()) {
            (None, _) => rows,
            (Some(size), Lang::En) => format!("{rows}, {}", self.about(&size)),
            (Some(size), Lang::Zh) => format!("{rows}，{}", self.about(&size)),
        }
    }

    /// More is selected than becomes a manifest here.
    pub(crate) fn too_much_selected(&self, rows: usize, bytes: usize) -> String {
        match self.lang() {
            Lang::En => format!(
                "this selection has more than {rows} objects or {bytes} bytes of names; `cos-batch manifest` lists any \
                 number"
            ),
            Lang::Zh => {
                format!(
                    "所选内容超过 {rows} 个对象，或名称超过 {bytes} 字节；`cos-batch manifest` 可列出任意数量的对象"
                )
            }
        }
    }

    /// A file is larger than what is taken in.
    pub(crate) fn file_too_large(&self, bytes: usize) -> String {
        match self.lang() {
            Lang::En => format!("a file may have {bytes} bytes at most"),
            Lang::Zh => format!("文件最大 {bytes} 字节"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_agree_in_both_languages() {
        let (en, zh) = (Lang::En.words(), Lang::Zh.words());
        assert_eq!([0, 1, 1200].map(|rows| en.rows(rows)), ["0 rows", "1 row", "1,200 rows"]);
        assert_eq!([1, 1200].map(|rows| zh.rows(rows)), ["1 行", "1,200 行"]);
        assert_eq!((en.tasks(1), en.tasks(2), zh.tasks(1)), ("task", "tasks", "个对象"));
        assert_eq!(en.done(999, 1000, 1), "999 of 1,000 tasks, 1 failed");
        assert_eq!(en.done(1, 1, 0), "1 of 1 task, 0 failed");
        assert_eq!(zh.done(999, 1000, 1), "共 1,000 个对象，已完成 999 个，失败 1 个");
        assert_eq!(en.extent(1, true, None), "1 row");
        assert_eq!(en.extent(2, false, Some("3 B".to_owned())), "about 2 rows, about 3 B");
        assert_eq!(zh.extent(2, false, Some("3 B".to_owned())), "约 2 行，约 3 B");
        assert_eq!((en.left("3 s"), zh.left("3 秒")), ("3 s left".to_owned(), "剩余 3 秒".to_owned()));
    }
}
