// A product's three authorities in base64: certificate in DER, private key in PKCS #8. DESIGN.md, section 6.
export type Root = Readonly<
  Record<"ARK" | "ASK" | "ASVK", { readonly certificate: string; readonly privateKey: string }>
>;
