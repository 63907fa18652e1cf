// virtee's sev crate as a program inside a guest: reports by SNP_GET_REPORT and SNP_GET_EXT_REPORT through
// `cloister guest-device serve`, whose frames docs/guest-device.md describes.
use crate::{judge, REPORT};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

const GET_REPORT: u32 = 0xc020_5300;
const GET_EXT_REPORT: u32 = 0xc020_5302;
const RESPONSE: usize = 4000;
const HEAD: usize = 20;

struct Answer {
    errno: u32,
    vmm_error: u32,
    certs_len: u32,
    body: Vec<u8>,
}

fn ioctl(socket: &mut UnixStream, command: u32, request: &[u8]) -> std::io::Result<Answer> {
    let mut frame = Vec::new();
    frame.extend((8 + request.len() as u32).to_le_bytes());
    frame.extend(command.to_le_bytes());
    frame.extend(1u32.to_le_bytes());
    frame.extend(request);
    socket.write_all(&frame)?;
    let mut head = [0u8; HEAD];
    socket.read_exact(&mut head)?;
    let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
    let mut body = vec![0u8; word(0) as usize + 4 - HEAD];
    socket.read_exact(&mut body)?;
    Ok(Answer { errno: word(4), vmm_error: word(12), certs_len: word(16), body })
}

fn extended(data: &[u8; 64], room: u32) -> [u8; 112] {
    let mut request = [0u8; 112];
    request[..64].copy_from_slice(data);
    request[104..108].copy_from_slice(&room.to_le_bytes());
    request
}

// The report, then its table, both verified by the crate with our root; the room for the table is learnt as the driver has it.
pub fn device(path: &str, root: &str) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let mut socket = UnixStream::connect(path).map_err(text)?;
    let data = [7u8; 64];
    let short = ioctl(&mut socket, GET_EXT_REPORT, &extended(&data, 0)).map_err(text)?;
    if short.errno != 5 || short.vmm_error != 1 || short.certs_len == 0 {
        return Err(format!("no room: errno {}, vmm error {}", short.errno, short.vmm_error));
    }
    let whole = ioctl(&mut socket, GET_EXT_REPORT, &extended(&data, short.certs_len)).map_err(text)?;
    if whole.errno != 0 {
        return Err(format!("SNP_GET_EXT_REPORT: errno {}", whole.errno));
    }
    let report = &whole.body[32..32 + REPORT];
    if report[0x50..0x90] != data {
        return Err("other report data than asked".into());
    }
    judge(report, &whole.body[RESPONSE..], root)?;
    let mut request = [0u8; 96];
    request[..64].copy_from_slice(&data);
    let plain = ioctl(&mut socket, GET_REPORT, &request).map_err(text)?;
    if plain.errno != 0 || &plain.body[32..32 + REPORT] != report {
        return Err("the plain report is another than the extended one".into());
    }
    Ok(())
}
