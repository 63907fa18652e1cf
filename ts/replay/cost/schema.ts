// The JSON schema of a costs file, made from the constants themselves; published as docs/costs.schema.json.
import { costRows, isWhole, mayBeZero } from "./costs.ts";

interface CostSchema {
  type: "number" | "integer";
  description: string;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum: number;
}

/** JSON Schema 2020-12. */
export function costsSchema(): object {
  const properties = costRows("turin").map(({ key, unit, source }): [string, CostSchema] => [
    key,
    {
      type: isWhole(unit) ? "integer" : "number",
      description: `${unit}. ${source}`,
      ...(mayBeZero(unit) ? { minimum: 0 } : { exclusiveMinimum: 0 }),
      maximum: 2 ** 40,
    },
  ]);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Constants of Cloister's cost model to replace: cloister replay --costs FILE",
    type: "object",
    properties: { $schema: { type: "string" }, ...Object.fromEntries(properties) },
    additionalProperties: false,
  };
}
