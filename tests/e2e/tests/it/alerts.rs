//! What goes wrong is told, by webhooks that look at every message as the messengers' robots do.

use duijie_e2e::{KEY, Project, Robot, Rules, SECRET, Service, orders};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;

fn project(seed: u64) -> Project {
    Project::new(orders(12, seed))
        .changed(|manifest| manifest.with("schedule: every 5m", "schedule: every 1h"))
}

/// One of its documents is refused by the target.
fn with_a_refusal(seed: u64) -> Project {
    let mut project = project(seed);
    let number = project.shipped().swap_remove(3);
    project.change(|manifest| {
        let date =
            format!("_function case '{{{{order_no}}}}' when '{number}' then '2025-13-01' else '{{{{consign_time}}}}' end");
        manifest.with("value: \"{{consign_time}}\"", &format!("value: \"{date}\""))
    });
    project
}

/// Lines of `alerts`, and the secrets behind them.
#[derive(Default)]
struct Wanted {
    alerts: String,
    secrets: String,
}

impl Wanted {
    fn add(mut self, name: &str, robot: &Robot, rest: &str) -> Self {
        let origin = robot.origin();
        writeln!(
            self.alerts,
            "  - {{url: \"${{secret:{name}}}\", allow: [\"{origin}\"], {rest}}}"
        )
        .unwrap();
        writeln!(self.secrets, "{name}={}", robot.url()).unwrap();
        self
    }

    fn write(&self, service: &Service, folder: &str, config: &str, before: &str) {
        let text = format!("{before}alerts:\n{}", self.alerts);
        std::fs::write(service.path(folder).join(config), text).unwrap();
        let file = service.path(folder).join("secrets.env");
        let known = std::fs::read_to_string(&file).unwrap_or_default();
        std::fs::write(
            &file,
            format!("{known}{}robot_sign={SECRET}\n", self.secrets),
        )
        .unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Ends it; nothing that it said holds a key or a secret.
fn end(service: &mut Service) -> String {
    let said = service.terminate();
    assert!(!said.contains(KEY) && !said.contains(SECRET), "{said}");
    said
}

const SIGNED: &str = "secret: \"${secret:robot_sign}\"";

#[test]
fn what_waits_and_what_fails_is_told_to_every_robot_that_asks_for_it_in_its_own_form() {
    let (north, south) = (with_a_refusal(320), project(321));
    let mut service = Service::of(&[("north", &north), ("south", &south)]);
    // Its runs fail: none of its connections has a secret any more.
    std::fs::remove_file(service.path("tenants/south/secrets.env")).unwrap();
    let [ding, lark, wecom, all] =
        [Rules::Dingtalk, Rules::Feishu, Rules::Wecom, Rules::Plain].map(Robot::start);
    Wanted::default()
        .add("ding", &ding, &format!("to: dingtalk, {SIGNED}"))
        .add("lark", &lark, &format!("to: feishu, lang: en, {SIGNED}"))
        .write(&service, "tenants/north", "tenant.yaml", "");
    Wanted::default()
        .add("wecom", &wecom, "to: wecom, recovered: true")
        .write(&service, "tenants/south", "tenant.yaml", "");
    Wanted::default()
        .add("all", &all, "to: json, on: [failed-runs, dead-letters]")
        .write(&service, ".", "serve.yaml", "");
    service.start();

    let run = service.until_ran("north", 1, "finished")[0]["run"].clone();
    let run = run.as_str().unwrap();
    assert_eq!(
        ding.hear_text(),
        format!(
            "【Duijie 告警】\nnorth / stockouts\u{ff1a}新增 1 张死信\u{ff08}目标系统拒收\u{ff09}\u{ff08}运行 {run}\u{ff09}"
        )
    );
    assert_eq!(
        lark.hear_text(),
        format!(
            "[Duijie alert]\nnorth / stockouts: new dead letters, refused by the target: 1 (run {run})"
        )
    );
    let failed = wecom.hear_text();
    assert!(
        failed.contains("south / stockouts\u{ff1a}运行失败。原因\u{ff1a}"),
        "{failed}"
    );

    // That of the process hears of both tenants.
    let mut kinds = Vec::new();
    while kinds.len() < 2 {
        let heard = all.hear();
        for alert in heard.body["alerts"].as_array().unwrap() {
            kinds.push(format!(
                "{} {}",
                alert["tenant"].as_str().unwrap(),
                alert["kind"].as_str().unwrap()
            ));
        }
    }
    kinds.sort();
    assert_eq!(kinds, ["north dead-letters", "south failed-runs"]);

    // Once in an hour: a second failure waits, and nobody hears of it now.
    let pipelines = "/v1/tenants/south/pipelines";
    let first = service.get(pipelines)[0]["last"]["ended_ms"].clone();
    service.post(&format!("{pipelines}/stockouts/run"), "");
    service.until(pipelines, |view| {
        view[0]["running"].is_null() && view[0]["last"]["ended_ms"] != first
    });
    end(&mut service);
    for robot in [&ding, &lark, &wecom, &all] {
        let more = robot.heard();
        assert!(more.is_empty(), "{more:?}");
    }
}

#[test]
fn a_message_that_a_robot_refuses_is_sent_again_and_only_then_counts_as_told() {
    let project = with_a_refusal(322);
    let mut service = Service::of(&[("north", &project)]);
    let robot = Robot::start(Rules::Dingtalk);
    robot.refuse(1);
    Wanted::default()
        .add("ding", &robot, &format!("to: dingtalk, {SIGNED}"))
        .write(&service, "tenants/north", "tenant.yaml", "");
    service.start();
    assert_eq!(robot.hear().refusal, Some("too many messages"));
    assert!(robot.hear_text().contains("死信"));
    let said = end(&mut service);
    assert!(
        said.contains("it refused the message with 310000: too many messages"),
        "{said}"
    );
}

#[test]
fn a_folder_that_cannot_be_read_is_told_and_so_is_its_end() {
    let project = project(323);
    let mut service = Service::of(&[("north", &project)]);
    let robot = Robot::start(Rules::Plain);
    Wanted::default()
        .add(
            "all",
            &robot,
            "to: json, on: [folder], recovered: true, every: 1m",
        )
        .write(&service, ".", "serve.yaml", "");
    service.start();
    let config = service.path("tenants/north/tenant.yaml");
    let good = std::fs::read(&config).unwrap();
    std::fs::write(&config, "enabled: perhaps\n").unwrap();
    let token = service.new_token("north", "admin");
    let reload = || service.call("POST", "/v1/tenants/north/reload", &token, "");
    reload().expect(422);
    let told = robot.hear().body["alerts"][0].clone();
    assert_eq!(
        (&told["kind"], &told["tenant"], &told["ended"]),
        (&"folder".into(), &"north".into(), &false.into())
    );
    assert!(
        told["detail"].as_str().unwrap().contains("expected"),
        "{told}"
    );
    std::fs::write(&config, good).unwrap();
    reload().expect(200);
    let told = robot.hear().body["alerts"][0].clone();
    assert_eq!(
        (&told["kind"], &told["ended"]),
        (&"folder".into(), &true.into())
    );
    end(&mut service);
}

#[test]
fn a_tenants_webhook_within_the_operators_network_needs_a_grant() {
    let project = with_a_refusal(324);
    let mut service = Service::of(&[("north", &project)]);
    let robot = Robot::start(Rules::Wecom);
    let mut wanted = Wanted::default().add("inner", &robot, "to: wecom");
    wanted.alerts = "  - {url: \"${secret:inner}\", to: wecom}\n".to_owned();
    wanted.write(&service, "tenants/north", "tenant.yaml", "");
    service.start();
    service.until_ran("north", 1, "finished");
    let told = service.post("/v1/tenants/north/reload", "");
    let problem = told["problems"][0].as_str().unwrap();
    let origin = robot.origin();
    assert!(
        problem.starts_with("tenant.yaml: alerts[0]: ")
            && problem.contains(&format!("add `{origin}` to `allow`")),
        "{problem}"
    );
    assert!(!problem.contains(KEY), "{problem}");
    end(&mut service);
    assert!(robot.heard().is_empty());
}
