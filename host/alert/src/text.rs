//! Messages for people, a line for each cause, in plain text: whatever a
//! system wrote into a reason must not become a link or call somebody.

use crate::{Kind, Told};

/// The language of a message; reasons stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Chinese,
    English,
}

/// Letters of one reason.
const MOST_DETAIL: usize = 300;
/// Bytes that the line about what is left out needs.
const LEFT_OUT: usize = 64;

pub(crate) fn text(told: &[Told], language: Language, most_bytes: usize) -> String {
    let mut text = match language {
        Language::Chinese => "【Duijie 告警】".to_owned(),
        Language::English => "[Duijie alert]".to_owned(),
    };
    for (index, one) in told.iter().enumerate() {
        let line = line(one, language);
        if text.len() + line.len() + LEFT_OUT > most_bytes {
            let left = told.len() - index;
            text.push_str(&match language {
                Language::Chinese => format!("\n另有 {left} 项，详见服务的接口"),
                Language::English => format!("\n{left} more: see the interface of the service"),
            });
            break;
        }
        text.push('\n');
        text.push_str(&line);
    }
    text
}

fn line(told: &Told, language: Language) -> String {
    let cause = &told.cause;
    let place = match &cause.pipeline {
        Some(pipeline) => format!("{} / {pipeline}", cause.tenant),
        None => cause.tenant.clone(),
    };
    let mut line = match language {
        Language::Chinese => format!("{place}：{}", chinese(told)),
        Language::English => format!("{place}: {}", english(told)),
    };
    if told.times > 1 {
        let (times, minutes) = (
            told.times,
            told.last_ms.saturating_sub(told.first_ms) / 60_000,
        );
        line.push_str(&match language {
            Language::Chinese => format!("（{minutes} 分钟内 {times} 次）"),
            Language::English => format!(" ({times} times within {minutes} min)"),
        });
    }
    if !told.detail.is_empty() {
        line.push_str(match language {
            Language::Chinese => "。原因：",
            Language::English => ". Reason: ",
        });
        line.push_str(&tame(&told.detail));
    }
    if let Some(run) = &told.run {
        line.push_str(&match language {
            Language::Chinese => format!("（运行 {run}）"),
            Language::English => format!(" (run {run})"),
        });
    }
    if told.ended && told.times > 0 {
        line.push_str(match language {
            Language::Chinese => "。现已恢复",
            Language::English => ". It goes well again",
        });
    }
    tame_whole(line)
}

fn chinese(told: &Told) -> String {
    let count = told.count;
    if told.ended && told.times == 0 {
        return match told.cause.kind {
            Kind::Folder => "租户目录恢复可读",
            Kind::Quota => "租户回到配额之内，恢复启动",
            Kind::Reconciliation => "对账已无差异",
            _ => "运行恢复正常",
        }
        .to_owned();
    }
    match told.cause.kind {
        Kind::Folder => "租户目录无法读取，沿用之前的配置".to_owned(),
        Kind::Quota => "租户的配额已用完，暂不启动新的运行".to_owned(),
        Kind::FailedRuns => "运行失败".to_owned(),
        Kind::MissedRuns => "错过了计划的运行".to_owned(),
        Kind::Reconciliation => format!("对账发现 {count} 处差异"),
        Kind::Holds => format!("新增 {count} 张挂起单据，等待人工处理"),
        Kind::DeadLetters => format!("新增 {count} 张死信（目标系统拒收）"),
    }
}

fn english(told: &Told) -> String {
    let count = told.count;
    if told.ended && told.times == 0 {
        return match told.cause.kind {
            Kind::Folder => "the tenant's folder can be read again",
            Kind::Quota => "the tenant is within its quotas again",
            Kind::Reconciliation => "source and target agree again",
            _ => "runs go well again",
        }
        .to_owned();
    }
    match told.cause.kind {
        Kind::Folder => "the tenant's folder cannot be taken over".to_owned(),
        Kind::Quota => "a quota of the tenant is used up, nothing of it begins".to_owned(),
        Kind::FailedRuns => "a run failed".to_owned(),
        Kind::MissedRuns => "scheduled runs were missed".to_owned(),
        Kind::Reconciliation => format!("differences between source and target: {count}"),
        Kind::Holds => format!("documents newly held for a person: {count}"),
        Kind::DeadLetters => format!("new dead letters, refused by the target: {count}"),
    }
}

/// One line of it, not too long.
fn tame(detail: &str) -> String {
    let mut short: String = detail.chars().take(MOST_DETAIL).collect();
    if short.len() < detail.len() {
        short.push('…');
    }
    short
}

/// Some robots read `<at …>` in plain text as a call to everybody, and some
/// `@` with a number.
fn tame_whole(line: String) -> String {
    let tame = |letter: char| match letter {
        '<' => '‹',
        '>' => '›',
        '@' => '\u{ff20}',
        letter if letter.is_control() => ' ',
        letter => letter,
    };
    line.chars().map(tame).collect()
}
