// XML for the command line: a document's root as the readers take it. The parser stays behind the CLI.
import { DOMParser, type Element, type Node, onErrorStopParsing, ParseError } from "@xmldom/xmldom";
import { BadInput } from "../error.ts";
import type { XmlElement } from "../launch/reader/libvirt.ts";

const ELEMENT_NODE = 1;
const TEXT_NODE = 3;
const CDATA_NODE = 4;

function elementOf(element: Element): XmlElement {
  const nodes: Node[] = Array.from(element.childNodes);
  const text = nodes.filter(({ nodeType }) => nodeType === TEXT_NODE || nodeType === CDATA_NODE);
  const children = nodes.filter(({ nodeType }) => nodeType === ELEMENT_NODE) as Element[];
  return {
    name: element.nodeName,
    attributes: Object.fromEntries(
      Array.from(element.attributes, ({ name, value }) => [name, value]),
    ),
    children: children.map(elementOf),
    text: text
      .map(({ nodeValue }) => nodeValue ?? "")
      .join("")
      .trim(),
  };
}

/** The root element. Throws BadInput with line and column. */
export function parseXml(path: string, text: string): XmlElement {
  try {
    const parser = new DOMParser({ onError: onErrorStopParsing });
    const root = parser.parseFromString(text, "text/xml").documentElement;
    if (root === null) throw new BadInput(`${path}: no XML element`);
    return elementOf(root);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const at = error.locator as { lineNumber?: number; columnNumber?: number } | undefined;
    const place = at?.lineNumber === undefined ? "" : `:${at.lineNumber}:${at.columnNumber}`;
    throw new BadInput(`${path}${place}: ${error.message}`);
  }
}
