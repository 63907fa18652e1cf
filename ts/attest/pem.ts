// PEM as openssl reads it. RFC 7468.
import { base64 } from "./bytes.ts";

export function pem(label: string, der: Uint8Array): string {
  const lines = base64(der).match(/.{1,64}/g) as string[];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
