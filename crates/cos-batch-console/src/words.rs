//! Every text of the pages, in both languages side by side; those with numbers in them are in `phrase`, what
//! servers and stores say (findings, errors) in `said`.

/// A language of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lang {
    #[default]
    En,
    Zh,
}

impl Lang {
    /// As in `lang` and in the cookie.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    /// The language with this code.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        [Self::En, Self::Zh].into_iter().find(|lang| lang.code() == code)
    }

    /// The first language of an Accept-Language header that we have.
    pub(crate) fn accepted(header: &str) -> Self {
        let known = |tag: &str| match tag.trim().split(['-', ';']).next() {
            Some("zh") => Some(Self::Zh),
            Some("en") => Some(Self::En),
            _ => None,
        };
        header.to_ascii_lowercase().split(',').find_map(known).unwrap_or_default()
    }

    /// Its texts.
    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::En => &EN,
            Self::Zh => &ZH,
        }
    }
}

macro_rules! words {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// Texts in one language.
        #[derive(Debug)]
        pub(crate) struct Words {
            $(pub(crate) $name: &'static str,)*
        }

        static EN: Words = Words { $($name: $en,)* };
        static ZH: Words = Words { $($name: $zh,)* };
    };
}

words! {
    title: "Batch console", "批量处理控制台";
    skip: "Skip to content", "跳到正文";
    main_menu: "Main", "主菜单";
    settings: "Settings", "设置";
    account: "Account", "账号";
    jobs: "Jobs", "任务";
    new_job: "New job", "新建任务";
    buckets: "Buckets", "存储桶";
    sign_out: "Sign out", "退出";
    language: "Language", "语言";
    theme: "Theme", "主题";
    theme_auto: "Auto", "自动";
    theme_light: "Light", "浅色";
    theme_dark: "Dark", "深色";
    apply: "Apply", "应用";
    utc: "Times are in UTC.", "时间均为 UTC。";

    sign_in: "Sign in", "登录";
    sign_in_lead: "Use a key that this server accepts: the same one that requests are signed with.",
        "请使用本服务器接受的密钥，即用于请求签名的密钥。";
    secret_id: "Key ID", "密钥 ID (SecretId)";
    secret_key: "Secret key", "密钥 (SecretKey)";
    temporary: "I have a temporary key", "我使用临时密钥";
    token: "Security token", "临时令牌";
    anonymous_lead: "This server asks for no key. Say whose jobs you want to see.", "此服务器无需密钥。请输入要查看其任务的 APPID。";
    wrong_key: "This key ID and secret do not belong together here. Check both; the server keeps its own key in credentials.toml in its data folder.",
        "密钥 ID 与密钥不匹配，请检查。服务器自身的密钥保存在其数据目录的 credentials.toml 中。";
    wrong_appid: "An APPID is 1 to 64 letters and digits.", "APPID 为 1–64 个字母或数字。";
    signed_out: "You were signed out, because you were away for long or the session reached its end.",
        "会话已结束（长时间未操作或已达最长时限），请重新登录。";
    stays_here: "The key is checked and not kept; your browser holds a token that ends after an hour without use.",
        "密钥仅用于验证，不会保存；浏览器只保存一个令牌，一小时未使用即失效。";

    all: "All", "全部";
    running: "Running", "进行中";
    waiting: "Waiting for you", "待确认";
    complete: "Complete", "已完成";
    failed: "Failed", "失败";
    cancelled: "Cancelled", "已取消";
    filter: "Filter by status", "按状态筛选";
    no_jobs: "No jobs here yet", "还没有任务";
    no_jobs_lead: "A job does one thing to every object that a manifest lists: copy, delete, restore or tag.",
        "任务对清单列出的每个对象执行同一操作：复制、删除、恢复或设置标签。";
    no_such_jobs: "No job has this status", "没有此状态的任务";
    show_all: "Show all jobs", "显示全部任务";
    older: "Older jobs", "更早的任务";
    newest: "Newest jobs", "最新的任务";
    next_page: "Next page", "下一页";
    first_page: "First page", "第一页";
    no_tasks_yet: "not counted yet", "尚未统计";
    per_second: "/s", "/秒";
    priority: "Priority", "优先级";
    created: "Created", "创建时间";
    started: "Started", "开始时间";
    ended: "Ended", "结束时间";
    live: "Live", "实时";
    offline: "No answer from the server. Trying again; what you see may be old.", "服务器无响应，正在重试；当前内容可能已过时。";
    sign_in_again: "Your session has ended. Sign in again to go on.", "会话已结束，请重新登录。";

    total: "Total", "总数";
    succeeded: "Succeeded", "成功";
    speed: "Speed", "速度";
    time_left: "Time left", "剩余时间";
    elapsed: "Elapsed", "已用时间";
    estimate_tip: "at the present speed", "按当前速度估算";
    progress: "Progress", "进度";
    throughput: "Throughput", "吞吐量";
    throughput_lead: "Tasks per second", "每秒处理的对象数";
    peak: "peak", "峰值";
    mean: "mean", "平均";
    no_curve: "The curve begins when tasks run while this server is up.", "任务运行后显示曲线。";
    no_speed: "Not running", "未运行";
    timeline: "Timeline", "时间线";
    errors: "Errors", "错误";
    no_errors: "No task has failed.", "没有失败的对象。";
    all_failed_rows: "All failed rows", "全部失败行";
    failed_rows: "Failed rows", "失败行";
    no_such_rows: "No failed row has this error code.", "没有此错误码的失败行。";
    report_rows: "Rows of the report", "报告内容";
    look_through: "Look through", "查看";
    no_report_rows: "There are no rows here.", "此处没有报告行。";
    error_code: "Error code", "错误码";
    report: "Report", "报告";
    no_report: "No report was asked for.", "未设置报告。";
    report_later: "The report is written when the job ends.", "任务结束时生成报告。";
    report_missing: "The report cannot be read now:", "暂时无法读取报告：";
    row_count: "Rows", "行数";
    download_csv: "Download as CSV", "下载 CSV";
    details: "Details", "详细信息";
    operation: "Operation", "操作";
    manifest: "Manifest", "清单";
    source: "Source", "源存储桶";
    target: "Target", "目标存储桶";
    role: "Role", "角色";
    job_token: "Token", "请求令牌";
    confirmation: "Confirmation", "运行前确认";
    confirmation_asked: "is asked for before it runs", "需要";
    confirmation_none: "is not asked for", "不需要";
    suspended_since: "Waited since", "开始等待确认";
    version: "Version", "版本";
    reason: "Reason", "原因";
    findings: "What was found", "检查结果";
    retry_of: "Tries again", "原任务";
    retried_by: "Tried again by", "重试任务";
    as_xml: "As the API describes it (XML)", "API 返回的描述 (XML)";
    none_symbol: "\u{2013}", "\u{2013}";

    review: "Review and confirm", "查看并确认";
    waits_for_you: "This job waits for you to confirm it. Nothing has been changed yet.", "任务正在等待您的确认，尚未做任何更改。";
    confirm: "Confirm and run", "确认并运行";
    cancel: "Cancel", "取消任务";
    cancel_lead: "Tasks that are done stay done. The job ends as soon as what is in flight is over, and its report says what was done.",
        "已完成的操作不会撤销。正在执行的操作结束后任务即停止，报告会记录已完成的部分。";
    cancel_do: "Cancel the job", "确认取消";
    delete: "Delete", "删除";
    delete_lead: "The job goes away from the list. One that runs is cancelled first. Objects and reports stay.",
        "任务将从列表中移除；运行中的任务会先取消。对象和报告会保留。";
    delete_do: "Delete the job", "确认删除";
    retry: "Retry failed rows", "重试失败行";
    retry_lead: "A new job tries just the failed rows again, and waits for you before it runs.",
        "将创建一个只包含失败行的新任务，运行前等待您确认。";
    retry_do: "Make the new job", "创建重试任务";
    change_priority: "Change", "修改";
    priority_lead: "0 to 2147483647; higher goes first", "0–2147483647，数值越大越优先";
    done_confirmed: "Confirmed. The job runs as soon as a worker is free.", "已确认，任务即将运行。";
    done_cancelled: "The job is being cancelled.", "正在取消任务。";
    done_deleted: "The job was deleted.", "任务已删除。";
    done_priority: "The priority was changed.", "优先级已修改。";
    done_retry: "A new job was made of the failed rows. It waits for you.", "已用失败行创建新任务，正在等待您确认。";
    done_created: "The job was made. Nothing happens before you confirm it.", "任务已创建，在您确认之前不会执行任何操作。";
    done_uploaded: "The file was uploaded.", "文件已上传。";
    done_manifest: "The manifest was written. Choose what to do with its objects.", "清单已生成，请选择要执行的操作。";

    confirm_title: "Before it runs", "运行前确认";
    confirm_lead: "Nothing has been changed yet. This is what the job will do:", "目前尚未做任何更改。该任务将执行以下操作：";
    preparing: "The manifest is being read and checked. This page goes on by itself.", "正在读取并检查清单，本页会自动更新。";
    will_copy: "Copy objects", "复制对象";
    will_delete: "Delete objects", "删除对象";
    will_restore: "Restore objects", "恢复对象";
    will_tag: "Tag objects", "设置对象标签";
    will_acl: "Set who may use objects", "设置对象的访问权限";
    will_legal_hold: "Set or end the legal hold of objects", "设置或解除对象的法律保留";
    will_retention: "Set how long objects are kept", "设置对象的保留期限";
    will_checksum: "Compute checksums of objects", "计算对象的校验和";
    will_custom: "Call a function for each object", "对每个对象调用函数";
    data: "Data", "数据量";
    requests: "Requests", "请求数";
    unknown: "unknown", "未知";
    warnings: "Warnings", "警告";
    no_warnings: "Nothing to warn of.", "没有需要注意的问题。";
    sample: "Sample rows", "示例行";
    sample_lead: "Some rows, spread over the manifest, and what is there now.", "从清单中均匀抽取的若干行，以及对象的当前状态。";
    no_sample: "No row can be shown now.", "暂时没有可显示的行。";
    row: "Row", "行号";
    object: "Object", "对象";
    becomes: "becomes", "复制为";
    size: "Size", "大小";
    replaces: "replaces what is there", "将覆盖已有对象";
    already: "This job does not wait for a confirmation (any more).", "该任务不需要确认，或已经确认过。";
    to_job: "Go to the job", "查看任务";
    not_run: "Do not run it", "不运行";

    create_lead: "One operation on every object of a manifest. The job is made suspended: you see what it will do before it runs.",
        "对清单中的每个对象执行同一操作。任务创建后先等待确认，运行前可以查看它将做什么。";
    what: "What", "操作";
    which: "Which objects", "对象范围";
    more: "More", "更多设置";
    op_copy: "Copy", "复制";
    op_copy_hint: "to another bucket or prefix", "到其他存储桶或前缀";
    op_delete: "Delete", "删除";
    op_delete_hint: "objects or versions", "对象或其版本";
    op_restore: "Restore", "恢复";
    op_restore_hint: "from the archive", "恢复归档对象";
    op_tag: "Tag", "设置标签";
    op_acl: "Set access", "设置访问权限";
    op_legal_hold: "Legal hold", "法律保留";
    op_retention: "Retention", "保留期限";
    op_checksum: "Checksum", "计算校验和";
    op_custom: "Call a function", "调用函数";
    op_tag_hint: "set or add tags", "替换或添加标签";
    manifest_bucket: "Bucket of the manifest", "清单所在存储桶";
    manifest_key: "Key of the manifest", "清单的对象键";
    manifest_hint: "A CSV file with a bucket and a key in each row. You can make one under Buckets.",
        "每行包含存储桶和对象键的 CSV 文件，可在\u{201c}存储桶\u{201d}页面生成。";
    columns: "Columns", "列";
    columns_hint: "in order: Bucket, Key, VersionId, Ignore", "按顺序填写：Bucket, Key, VersionId, Ignore";
    format: "Format", "格式";
    format_csv: "CSV manifest", "CSV 清单";
    format_inventory: "Inventory report", "清单报告 (inventory)";
    target_bucket: "Target bucket", "目标存储桶";
    prefix_from: "Replace this beginning of keys", "要替换的键前缀";
    prefix_to: "with", "替换为";
    storage_class: "Storage class", "存储类型";
    class_default: "STANDARD (default)", "STANDARD（默认）";
    days: "Days readable", "恢复副本有效天数";
    tier: "Speed of restoring", "恢复模式";
    tier_standard: "Standard", "标准模式";
    tier_bulk: "Bulk: slower, cheaper", "批量模式（较慢，费用低）";
    tags: "Tags", "标签";
    tags_hint: "one in a line: name=value", "每行一个：name=value";
    tags_mode: "Tags that objects have", "对象已有的标签";
    tags_replace: "are replaced", "全部替换";
    tags_add: "stay, these are added", "保留，并添加新标签";
    report_bucket: "Report to bucket", "报告存入存储桶";
    report_bucket_hint: "empty: no report", "留空则不生成报告";
    report_prefix: "Prefix of the report", "报告前缀";
    report_scope: "Rows in the report", "报告包含的行";
    scope_all: "all", "全部";
    scope_failed: "failed ones only", "仅失败行";
    description: "Description", "描述";
    description_hint: "how you will know it again, up to 256 bytes", "便于识别，最多 256 字节";
    check: "Check", "检查";
    create_do: "Create suspended", "创建任务（待确认）";
    request: "The request", "请求内容";
    request_lead: "What will be sent as CreateJob, kept up to date as you type.", "将发送的 CreateJob 请求，随输入实时更新。";
    request_incomplete: "Not complete yet:", "尚未填写完整：";
    checked: "What a look at buckets and rows found", "存储桶与清单行的检查结果";
    etag_found: "ETag", "ETag";
    please_fix: "This cannot be created yet", "暂时无法创建";
    fix_target: "name the bucket that the copies go to", "请填写目标存储桶";
    fix_manifest_bucket: "name the bucket that the manifest is in", "请填写清单所在的存储桶";
    fix_manifest_key: "name the object that is the manifest", "请填写清单的对象键";
    fix_days: "a whole number of days, 1 to 365", "天数须为 1–365 的整数";
    fix_tags: "give at least one tag", "请至少填写一个标签";
    fix_tag: "a line of tags is name=value; this is not:", "标签格式须为 name=value，此行不符：";
    fix_operation: "choose what is done to each object", "请选择要执行的操作";

    buckets_lead: "The buckets you may read. Open one to look through it, to upload a manifest, or to make one of what you select.",
        "您可以读取的存储桶。打开存储桶可浏览对象、上传清单，或用所选对象生成清单。";
    no_buckets: "No bucket here is yours to read", "没有可读取的存储桶";
    no_buckets_lead: "A bucket is a folder in the server's data folder, below buckets. Its name ends with your APPID:",
        "存储桶是服务器数据目录下 buckets 中的文件夹，名称以您的 APPID 结尾：";
    read_only: "read only", "只读";
    name: "Name", "名称";
    modified: "Modified", "修改时间";
    class: "Class", "存储类型";
    up: "Up", "上一级";
    empty_folder: "Nothing here", "此处为空";
    empty_folder_lead: "No object's key begins like this.", "没有以此前缀开头的对象。";
    select_all: "Select all on this page", "全选本页";
    select: "Select", "选择";
    make_manifest: "Make a manifest", "生成清单";
    make_lead: "Lists what you select; a folder stands for everything in it.", "清单列出所选对象；选中文件夹即包含其中的全部对象。";
    which_objects: "It lists", "列入清单";
    write_to: "Write it to", "清单的对象键";
    whole_prefix: "everything here, on all pages", "此处的全部对象（所有页）";
    selected_only: "what is selected above", "上面选中的内容";
    upload: "Upload", "上传";
    upload_manifest: "Upload a manifest", "上传清单";
    upload_lead: "A CSV file (plain or .gz) or the manifest.json of an inventory, up to 32 MiB. One with the same name is replaced.",
        "CSV 文件（可为 .gz）或清单报告的 manifest.json，最大 32 MiB；同名文件将被替换。";
    no_name: "say what the manifest is to be called", "请填写清单的对象键";
    no_file: "no file was chosen", "未选择文件";
    nothing_selected: "nothing is selected: go back and select objects or folders", "未选中任何内容：请返回并选择对象或文件夹";
    file: "File", "文件";
    use_manifest: "Use as manifest", "用作清单";

    oops: "That did not work", "操作未成功";
    foreign_form: "this form was not sent by a page of this console; open the console and send it from there",
        "该表单不是由本控制台的页面发送的，请打开控制台后重新提交";
    old_form: "this form belongs to another session; go back, reload the page and send it again",
        "该表单属于另一个会话，请返回并刷新页面后重新提交";
    not_found: "There is nothing here", "未找到";
    request_id: "Request id", "请求 ID";
    to_jobs: "To the jobs", "返回任务列表";
}

impl Words {
    /// Whose they are.
    pub(crate) fn lang(&self) -> Lang {
        if std::ptr::eq(self, &ZH) { Lang::Zh } else { Lang::En }
    }

    /// How a row ended, for people.
    pub(crate) fn outcome<'a>(&self, outcome: &'a str) -> &'a str {
        match (self.lang(), outcome) {
            (Lang::Zh, "succeeded") => "成功",
            (Lang::Zh, "failed") => "失败",
            (_, other) => other,
        }
    }

    /// What an error means, where its own words are in another language.
    pub(crate) fn explained(&self, code: &str) -> Option<&'static str> {
        if self.lang() == Lang::En {
            return None;
        }
        Some(match code {
            "NoSuchJob" => "没有此 ID 的任务，或任务已经结束。",
            "NoSuchBucket" => "没有这个存储桶。",
            "NoSuchKey" | "NoSuchVersion" => "没有这个对象。",
            "AccessDenied" => "没有权限执行此操作。",
            "InvalidURI" => "控制台没有这个页面。",
            "InvalidRequest" | "InvalidArgument" => "请求的内容不正确，或当前不允许此操作。",
            "TooManyJobs" => "未结束的任务过多。",
            "MethodNotAllowed" => "不支持此请求方式。",
            "RequestTimeout" => "请求超时。",
            "NotImplemented" => "此服务器不支持该操作。",
            "SlowDown" | "ServiceUnavailable" => "服务暂时不可用，请稍后重试。",
            "InternalError" => "服务器内部错误。",
            _ => return None,
        })
    }

    /// A status of a job, for people.
    pub(crate) fn status<'a>(&self, status: &'a str) -> &'a str {
        if self.lang() == Lang::En {
            return status;
        }
        match status {
            "New" => "新建",
            "Preparing" => "准备中",
            "Suspended" => "待确认",
            "Ready" => "就绪",
            "Active" => "运行中",
            "Pausing" => "暂停中",
            "Paused" => "已暂停",
            "Completing" => "收尾中",
            "Complete" => "已完成",
            "Cancelling" => "取消中",
            "Cancelled" => "已取消",
            "Failing" => "失败处理中",
            "Failed" => "失败",
            other => other,
        }
    }

    /// An operation, as a title.
    pub(crate) fn operation_name<'a>(&self, operation: &'a str) -> &'a str
    where
        Self: 'static,
    {
        match operation {
            "copy" => self.op_copy,
            "delete" => self.op_delete,
            "restore" => self.op_restore,
            "tag" => self.op_tag,
            "acl" => self.op_acl,
            "legal-hold" => self.op_legal_hold,
            "retention" => self.op_retention,
            "checksum" => self.op_checksum,
            "custom" => self.op_custom,
            other => other,
        }
    }

    /// What confirming will do.
    pub(crate) fn will<'a>(&self, operation: &'a str) -> &'a str {
        match operation {
            "copy" => self.will_copy,
            "delete" => self.will_delete,
            "restore" => self.will_restore,
            "tag" => self.will_tag,
            "acl" => self.will_acl,
            "legal-hold" => self.will_legal_hold,
            "retention" => self.will_retention,
            "checksum" => self.will_checksum,
            "custom" => self.will_custom,
            other => other,
        }
    }

    /// What was just done, by the word in the address.
    pub(crate) fn notice(&self, done: &str) -> Option<&'static str> {
        Some(match done {
            "confirmed" => self.done_confirmed,
            "cancelled" => self.done_cancelled,
            "deleted" => self.done_deleted,
            "priority" => self.done_priority,
            "retry" => self.done_retry,
            "created" => self.done_created,
            "uploaded" => self.done_uploaded,
            "manifest" => self.done_manifest,
            "signed-out" => self.signed_out,
            _ => return None,
        })
    }

    /// Units of time: days, hours, minutes, seconds.
    pub(crate) fn units(&self) -> [&'static str; 4] {
        match self.lang() {
            Lang::En => ["d", "h", "min", "s"],
            Lang::Zh => ["天", "小时", "分", "秒"],
        }
    }
}

#[cfg(test)]
mod tests {
    use cos_batch_model::JobStatus;

    use super::*;

    #[test]
    fn the_first_known_language_is_taken() {
        for (header, lang) in [
            ("", Lang::En),
            ("de, zh;q=0.5, en", Lang::Zh),
            ("zh-TW", Lang::Zh),
            ("en-US,en;q=0.9,zh-CN;q=0.8", Lang::En),
            ("xx", Lang::En),
        ] {
            assert_eq!(Lang::accepted(header), lang, "{header}");
        }
        for lang in [Lang::En, Lang::Zh] {
            assert_eq!(Lang::from_code(lang.code()), Some(lang));
        }
    }

    #[test]
    fn every_status_has_a_chinese_name() {
        for status in JobStatus::ALL {
            assert_eq!(EN.status(status.as_str()), status.as_str());
            assert!(!ZH.status(status.as_str()).is_ascii(), "{status}");
        }
    }
}
