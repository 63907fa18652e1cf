// Why a firmware image is not what it should be: a name for programs, a sentence for people, the place in the image.
import { BadInput } from "../../error.ts";

export type ImageCode =
  | "IMAGE_EMPTY"
  | "IMAGE_SIZE"
  | "TABLE_LENGTH"
  | "ENTRY_LENGTH"
  | "ENTRY_TWICE"
  | "METADATA_PLACE"
  | "METADATA_SIGNATURE"
  | "METADATA_VERSION"
  | "METADATA_LENGTH"
  | "SECTION_TYPE"
  | "SECTION_PLACE"
  | "SECTION_COUNT"
  | "NO_RESET_BLOCK"
  | "NO_SNP_METADATA"
  | "NO_KERNEL_HASHES"
  | "NO_SVSM_INFO"
  | "IGVM_HEADER"
  | "IGVM_CHECKSUM"
  | "IGVM_STRUCTURE"
  | "IGVM_PLATFORM"
  | "IGVM_PAGE";

/** A firmware image refused. `offset` is where in the image, when there is one place. */
export class ImageRefused extends BadInput {
  override name = "ImageRefused";
  readonly code: ImageCode;
  readonly offset: number | undefined;

  constructor(code: ImageCode, says: string, offset?: number) {
    super(offset === undefined ? says : `${says}, at byte 0x${offset.toString(16)} of the image`);
    this.code = code;
    this.offset = offset;
  }
}
