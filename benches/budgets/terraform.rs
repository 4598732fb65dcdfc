//! `terraform plan` of as many built-in resources, where a terraform is installed.

use super::clock::{ms, time};
use super::fleet::Fleet;
use super::report::{Goal, Report, Row};
use super::world::World;
use super::{cold, live};
use std::path::Path;
use std::process::{Command, Stdio};

pub async fn measure(world: &World, size: usize, report: &mut Report) {
    if Command::new("terraform").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("terraform plan: skipped, there is no terraform here");
        return;
    }
    let folder = world.path("terraform");
    std::fs::create_dir_all(&folder).unwrap();
    let resources = format!(
        "resource \"terraform_data\" \"instance\" {{\n  count = {size}\n  input = {{ name = \"instance-${{count.index}}\", memory = \"16Gi\", text = \"{}\" }}\n}}\n",
        "x".repeat(600)
    );
    std::fs::write(folder.join("main.tf"), &resources).unwrap();
    if !run(&folder, &["init", "-input=false"]) || !run(&folder, &["apply", "-auto-approve", "-input=false"]) {
        eprintln!("terraform plan: skipped, terraform cannot apply built-in resources here");
        return;
    }
    let (theirs, ended) = time(|| run(&folder, &["plan", "-input=false"]));
    assert!(ended);
    let fleet = Fleet::make(&world.path("terraform-fleet"), size, 1);
    let database = world.database("terraform").await;
    live::fill(&database, &fleet).await;
    let mut aside = Report::default();
    let ours = cold::measure(&fleet, &database, &mut aside).await;
    report.add(Row {
        name: "cold plan beside `terraform plan`",
        size,
        ours: 1.0 / ours.as_secs_f64(),
        floor: Some(1.0 / theirs.as_secs_f64()),
        unit: "plans/s",
        goal: Goal::AtLeast(100.0),
        note: format!("{:.0} ms against {:.0} ms; the goal is for 5,000", ms(ours), ms(theirs)),
    });
}

fn run(folder: &Path, arguments: &[&str]) -> bool {
    Command::new("terraform")
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
