use crate::client::{Client, OTPS};
use crate::control::{Faults, Number};
use crate::program::{Server, folder};
use crate::trials::run_alone;

const HOUR_MS: i64 = 60 * 60 * 1000;

#[test]
fn clock_jumps_cause_no_errors_and_no_wrong_order_of_timestamps() {
    let _alone = run_alone();
    let faults = Faults::new();
    let folder = folder();
    let server = Server::spawn(&mut faults.otpd(folder.path(), false));
    let mut client = Client::of(&server);
    let mut ids = Vec::new();
    let mut years = Vec::new();
    for offset in [0, HOUR_MS, -HOUR_MS, HOUR_MS, 0, -HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS, 365 * 24 * HOUR_MS, 0] {
        faults.set(Number::ClockOffsetMs, offset);
        let (status, otp) = client.ask("POST", OTPS, r#"{"code":1,"email":"a@b.com"}"#);
        assert_eq!(status, 201, "{otp}");
        years.push(otp["created_at"].as_str().unwrap()[..13].to_owned());
        ids.push(otp["id"].as_i64().unwrap());
        for id in &ids {
            let (status, otp) = client.ask("PATCH", &format!("{OTPS}{id}"), r#"{"code":2}"#);
            assert_eq!(status, 200, "{otp}");
            let (created, updated) = (otp["created_at"].as_str().unwrap(), otp["updated_at"].as_str().unwrap());
            assert!(created <= updated, "{otp}");
        }
        let (status, list) = client.ask("GET", OTPS, "");
        assert_eq!((status, list["count"].as_u64()), (200, Some(ids.len() as u64)));
        assert_eq!(client.ask("GET", "/readyz", "").0, 200);
    }
    years.sort_unstable();
    years.dedup();
    assert!(years.len() >= 5, "the clock did not jump: {years:?}");
    assert!(!server.stderr().contains("panic") && !server.stderr().contains("ERROR"), "{}", server.stderr());
}
