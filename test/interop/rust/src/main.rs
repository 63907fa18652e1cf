// Asks virtee's sev crate, which snpguest is made of, about reports named on stdin: the chain with our root, then the signature.
// With --device, it is a program inside a guest (device.rs). With --display, prints one report as `snpguest display report` does.
mod device;

use sev::certs::snp::{ca, Certificate, Chain, Verifiable};
use sev::firmware::guest::AttestationReport;
use sev::parser::ByteParser;
use std::collections::HashMap;
use std::io::BufRead;
use std::panic::catch_unwind;

const REPORT: usize = 1184;
const VCEK: &str = "63da758de6644564adc5f4b93be8accd";
const VLEK: &str = "a8074bc2a25a483eaae639c045a0b8a1";
const ASK: &str = "4ab7b379bbac4fe4a02f05aef327c782";

fn table(bytes: &[u8]) -> Result<HashMap<String, Vec<u8>>, String> {
    let word = |at: usize| -> Result<usize, String> {
        let four = bytes.get(at..at + 4).ok_or("table ends early")?;
        Ok(u32::from_le_bytes(four.try_into().unwrap()) as usize)
    };
    let mut entries = HashMap::new();
    let mut at = 0;
    loop {
        let guid = bytes.get(at..at + 16).ok_or("table ends early")?;
        if guid.iter().all(|byte| *byte == 0) {
            return Ok(entries);
        }
        let (start, length) = (word(at + 16)?, word(at + 20)?);
        let data = bytes.get(start..start + length).ok_or("entry beyond the table")?;
        let name: String = guid.iter().map(|byte| format!("{byte:02x}")).collect();
        entries.insert(name, data.to_vec());
        at += 24;
    }
}

fn ask(file: &str, root: &str) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let bytes = std::fs::read(file).map_err(text)?;
    let head = bytes.get(..REPORT).ok_or("shorter than a report")?;
    judge(head, &bytes[REPORT..], root)
}

fn judge(head: &[u8], certificates: &[u8], root: &str) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let report = AttestationReport::from_bytes(head).map_err(text)?;
    let entries = table(certificates)?;
    let named = |names: &[&str]| -> Result<Certificate, String> {
        let der = names.iter().find_map(|name| entries.get(*name));
        Certificate::from_der(der.ok_or("certificate missing")?).map_err(text)
    };
    // The crate takes whatever ARK it is handed: trust is the caller's, so the ARK is ours and not the evidence's.
    let ark = Certificate::from_pem(&std::fs::read(root).map_err(text)?).map_err(text)?;
    let chain = Chain {
        ca: ca::Chain { ark, ask: named(&[ASK])? },
        vek: named(&[VCEK, VLEK])?,
    };
    (&chain, &report).verify().map_err(text)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() == 3 && args[1] == "--display" {
        let bytes = std::fs::read(&args[2]).expect("a report");
        let report = AttestationReport::from_bytes(&bytes[..REPORT]).expect("a report");
        println!("{report}");
        return;
    }
    if args.len() == 4 && args[1] == "--device" {
        match device::device(&args[2], &args[3]) {
            Ok(()) => println!("report and table verified"),
            Err(error) => {
                eprintln!("{error}");
                std::process::exit(1);
            }
        }
        return;
    }
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (file, root) = line.split_once('\t').expect("report, tab, root");
        let answer = match catch_unwind(|| ask(file, root)) {
            Ok(Ok(())) => String::new(),
            Ok(Err(error)) => error.replace(['\n', '\t'], " "),
            Err(_) => "PANIC".to_string(),
        };
        println!("{file}\t{answer}");
    }
}
