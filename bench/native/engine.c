// The access road of assembly/ in C, over a copy of the linear memory of an instance: the same tables, TLB, RMP and records, so that
// both sides must come to the same digest and counters. What a warmed-up run never does (a page that is not open, a fault) ends
// the program. Layouts are those of ts/abi/, as bench/abi.ts writes them out.
#include <pthread.h>
#include "abi.h"
#include "peer.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

// One machine: its linear memory, and what its last walk found.
typedef struct {
  u8 *m;
  u64 gpa, spa, entryRead, frames, cBit;
  u32 hostKey, tableFrame;
  int isPrivate, isNestedLarge, plain;
} Machine;

#define L8(at) (*(u8 *)(M->m + (at)))
#define L16(at) (*(u16 *)(M->m + (at)))
#define L32(at) (*(u32 *)(M->m + (at)))
#define L64(at) (*(u64 *)(M->m + (at)))
#define MASK(bit) (1ull << (bit))
#define BIT(word, position) (((word) >> (position)) & 1)
#define FIELD(word, lsb, width) (((word) >> (lsb)) & (MASK(width) - 1))
#define STATE(field) L32(MEMORY_STATE + STATE_##field)
#define VCPU(field) L32(MEMORY_VCPU + VCPU_##field)
#define OFFSET 0xfffull
#define LARGE_OFFSET 0x1fffffull

enum { READ = 1 << TLB_READ_BIT, WRITE = 1 << TLB_WRITE_BIT, FETCH = 1 << TLB_FETCH_BIT };
#define RIGHTS 7ull
#define FRAME_BITS ((1u << DIRECTORY_FRAME_WIDTH) - 1)
#define TAGGED (MASK(TLB_PAGE_WIDTH + 12) - 1)

static void count(Machine *M, u32 event, u64 events) { L64(MEMORY_EVENTS + event) += events; }
static u32 bytesOf(u32 frame) { return frame << 12; }
static u32 infoOf(u32 frame) { return MEMORY_FRAME_TABLE + frame * FRAME_SIZE; }
static int isDram(Machine *M, u32 page) { return page < STATE(DRAM_PAGES); }
static u32 pageOf(u64 address) { return address >> 12 < 0xffffffffull ? (u32)(address >> 12) : 0xffffffffu; }
static int isSev(Machine *M) { return BIT(VCPU(MODE), VCPU_SEV_BIT); }
static int isSnp(Machine *M) { return BIT(VCPU(MODE), VCPU_SEV_SNP_BIT); }
static int isEnabled(Machine *M) { return STATE(SNP_ENABLED) != 0; }

static u32 directoryEntry(Machine *M, u32 page) {
  if (!isDram(M, page)) return 0;
  u32 leaf = L32(STATE(DIRECTORY_ROOT) + ((page >> 9) << 2));
  return leaf ? bytesOf(leaf) + ((page & 511) << 3) : 0;
}

// The frame that a page is open in. A warmed-up machine has it open under the key that is asked for.
static u32 openAt(Machine *M, u32 entry, u32 key) {
  u32 frame = entry ? L32(entry + DIRECTORY_OPEN) & FRAME_BITS : 0;
  if (!frame || L32(infoOf(frame) + FRAME_KEY) != key) fail("a page is not open");
  return frame;
}

static u32 roleOf(u32 kind, u64 level, u64 address) {
  u32 region = level ? 0 : (u32)(address >> 21) & ((1u << DIRECTORY_REGION_WIDTH) - 1);
  return (1u << DIRECTORY_TABLE_BIT) | (kind << DIRECTORY_KIND_LSB) | ((u32)level << DIRECTORY_LEVEL_LSB) |
         (region << DIRECTORY_REGION_LSB);
}

static u64 vcpuTag(Machine *M) {
  u32 asid = VCPU(ASID);
  u64 epoch = L32(MEMORY_TLB_EPOCHS + (asid << 2));
  return ((u64)asid << TLB_ASID_LSB) | ((u64)VCPU(VMPL) << TLB_VMPL_LSB) | ((u64)(VCPU(CPL) == 3) << TLB_USER_BIT) |
         (epoch << TLB_EPOCH_LSB);
}

static u32 tlbRow(u64 gva) { return MEMORY_TLB + (((u32)(gva >> 12) & (TLB_ENTRIES - 1)) << 4); }

static void keepWalk(Machine *M, u64 gva, u64 vcpu, u64 rights, u32 frame) {
  u32 row = tlbRow(gva);
  u64 tag = ((gva >> 12) << TLB_PAGE_LSB) | vcpu | rights, old = L64(row + TLB_TAG);
  if (((old ^ tag) & ~RIGHTS) == 0 && L32(row + TLB_FRAME) == frame)
    tag |= old & RIGHTS;
  L64(row + TLB_TAG) = tag;
  L32(row + TLB_DISTANCE) = bytesOf(frame) - ((u32)gva & ~OFFSET);
  L32(row + TLB_FRAME) = frame;
  u32 before = L32(infoOf(frame) + FRAME_ROW);
  if (before != row) L32(infoOf(frame) + FRAME_ROW) = before == FRAME_NO_ROW ? row : FRAME_SEVERAL_ROWS;
}

// What walks leave behind (assembly/walk-cache.ts).
static u64 addressTag(Machine *M, u64 number) { return (number << TLB_PAGE_LSB) | (vcpuTag(M) & ~MASK(TLB_USER_BIT)); }
static u32 nestedRow(u64 gpa) {
  return MEMORY_NESTED_TLB + ((u32)(gpa >> 12) & (NESTED_TLB_ENTRIES - 1)) * NESTED_TLB_SIZE;
}

static u32 findNested(Machine *M, u64 gpa, u64 rights) {
  if (gpa & ~TAGGED || M->plain) return 0;
  u32 row = nestedRow(gpa);
  u64 differs = L64(row + NESTED_TLB_TAG) ^ (addressTag(M, gpa >> 12) | rights);
  return differs & (~RIGHTS | rights) ? 0 : row;
}

static void keepNested(Machine *M, u64 gpa, u64 rights, u32 page, u32 flags) {
  if (gpa & ~TAGGED || M->plain) return;
  u32 row = nestedRow(gpa);
  u64 tag = addressTag(M, gpa >> 12) | rights, old = L64(row + NESTED_TLB_TAG);
  if (((old ^ tag) & ~RIGHTS) == 0) tag |= old & RIGHTS;
  L64(row + NESTED_TLB_TAG) = tag;
  L32(row + NESTED_TLB_PAGE) = page;
  L32(row + NESTED_TLB_FLAGS) = flags;
}

enum { GUEST_SETS = 0, HOST_SETS = TABLE_CACHE_LEVELS };
static u32 tableRow(u32 sets, u64 level, u64 number) {
  return MEMORY_TABLE_CACHE + ((sets + (u32)level) * TABLE_CACHE_ROWS + ((u32)number & (TABLE_CACHE_ROWS - 1))) * TABLE_CACHE_SIZE;
}

static int isTableOf(Machine *M, u32 row, u64 vcpu, u64 number) {
  if (L64(row + TABLE_CACHE_TAG) != ((number << TLB_PAGE_LSB) | vcpu)) return 0;
  return L32(infoOf(L32(row + TABLE_CACHE_FRAME)) + FRAME_GENERATION) == L32(row + TABLE_CACHE_GENERATION);
}

static u32 findTable(Machine *M, u32 sets, u64 address, u64 *level) {
  if (M->plain || (address & ~TAGGED && sets == HOST_SETS)) return 0;
  u64 vcpu = addressTag(M, 0) | READ, number = (address & TAGGED) >> 21;
  u32 row = tableRow(sets, *level = 0, number);
  if (!isTableOf(M, row, vcpu, number)) {
    number >>= 9;
    row = tableRow(sets, *level = 1, number);
    if (!isTableOf(M, row, vcpu, number)) {
      *level = 3;
      return 0;
    }
  }
  if (BIT(L32(L32(row + TABLE_CACHE_ENTRY) + DIRECTORY_OPEN), DIRECTORY_WRITTEN_BIT)) fail("a table was written");
  return row;
}

static void keepTable(Machine *M, u32 sets, u64 level, u64 address, u64 gpa, u32 frame, u64 granted, u64 noExecute) {
  if (M->plain || (address & ~TAGGED && sets == HOST_SETS)) return;
  u64 number = (address & TAGGED) >> (21 + 9 * level);
  u32 row = tableRow(sets, level, number);
  u32 rights = (u32)granted & ((1 << PTE_WRITE_BIT) | (1 << PTE_USER_BIT));
  L64(row + TABLE_CACHE_TAG) = addressTag(M, number) | READ;
  L64(row + TABLE_CACHE_GPA) = gpa;
  L32(row + TABLE_CACHE_FRAME) = frame;
  L32(row + TABLE_CACHE_GENERATION) = L32(infoOf(frame) + FRAME_GENERATION);
  L32(row + TABLE_CACHE_ENTRY) = directoryEntry(M, L32(infoOf(frame) + FRAME_PAGE));
  L32(row + TABLE_CACHE_RIGHTS) = rights | ((u32)BIT(noExecute, PTE_NX_BIT) << TABLE_CACHE_NX_BIT);
}

// The RMP (assembly/rmp.ts).
static inline u32 placeIn(Machine *M, u32 root, u32 page) {
  return bytesOf(L32(root + ((page >> 8) << 2))) + ((page & 255) << 4);
}

#define DECIDES ~(((MASK(RMP_SUBPAGE_COUNT_WIDTH) - 1) << RMP_SUBPAGE_COUNT_LSB) | MASK(RMP_VMSA_BIT))
#define GOOD (MASK(RMP_ASSIGNED_BIT) | MASK(RMP_VALIDATED_BIT))
#define DATA ((1u << (RMP_PERMISSION_READ_BIT + 4 * READ)) | (((1u << RMP_PERMISSION_READ_BIT) | (1u << RMP_PERMISSION_WRITE_BIT)) << (4 * WRITE)))
#define KERNEL (DATA | (1u << (RMP_PERMISSION_EXECUTE_SUPERVISOR_BIT + 4 * FETCH)))
#define USER (DATA | (1u << (RMP_PERMISSION_EXECUTE_USER_BIT + 4 * FETCH)))
#define LARGE (MASK(RMP_ASSIGNED_BIT) | MASK(RMP_PAGE_SIZE_BIT))

static u64 ownedBy(u32 asid, int large) {
  return ((u64)asid << RMP_ASID_LSB) | ((u64)large << RMP_PAGE_SIZE_BIT) | GOOD;
}
static u32 wanted(u64 need, int user) { return ((user ? USER : KERNEL) >> ((u32)need << 2)) & 15; }

// Whether an entry of the page's own allows it: what most checks come to (againstOwn of assembly/rmp.ts).
static inline int isOwn(Machine *M, u32 root, u32 page, u64 gpa, u64 owned, u32 vmpl, u32 wants) {
  if ((L64(placeIn(M, root, page & ~511u)) & LARGE) == LARGE) return 0;
  u32 entry = placeIn(M, root, page);
  return (L64(entry) & DECIDES) == ((gpa & ~OFFSET) | owned) && !(wants & ~L8(entry + RMP_HIGH + vmpl));
}

static void checkAs(Machine *M, u32 page, u64 gpa, u64 owned, u32 vmpl, u32 wants) {
  if (!isDram(M, page) || gpa >> RMP_ASID_LSB || !isOwn(M, STATE(RMP_ROOT), page, gpa, owned, vmpl, wants)) fail("refused by the RMP");
}

// The walk (assembly/walk.ts, assembly/nested.ts).
#define FOLLOWED (MASK(PTE_PRESENT_BIT) | MASK(PTE_ACCESSED_BIT))
#define POINTER_BITS (FOLLOWED | MASK(PTE_LARGE_BIT))

static u64 reservedBits(Machine *M, int encryptable) {
  u64 all = (MASK(PTE_FRAME_LSB + PTE_FRAME_WIDTH) - 1) & ~OFFSET & ~M->frames;
  return encryptable ? all & ~M->cBit : all;
}

static int isReserved(u64 entry, u64 level, int large, u64 reserved) {
  return (entry & reserved) || (large && (level > 1 || (entry & (LARGE_OFFSET & ~0x1fffull))));
}

static u32 hostKeyOf(Machine *M, u64 entry) { return entry & M->cBit ? 0 : FRAME_RAW; }

static void noted(u64 entry, int written) {
  u64 mask = MASK(PTE_ACCESSED_BIT) | ((u64)written << PTE_DIRTY_BIT);
  if ((entry | mask) != entry) fail("an entry is not accessed or dirty yet");
}

static u32 openOf(Machine *M, u32 page) {
  u32 leaf = L32(STATE(DIRECTORY_ROOT) + ((page >> 9) << 2));
  return L32(bytesOf(leaf) + ((page & 511) << 3) + DIRECTORY_OPEN);
}

static u32 openTable(Machine *M, u32 page, u32 key, u32 role) {
  u32 open = isDram(M, page) ? openOf(M, page) : 0, frame = open & FRAME_BITS;
  if (!frame || (open & ~FRAME_BITS) != role || L32(infoOf(frame) + FRAME_KEY) != key) fail("a table is not open");
  return frame;
}

static int allowsNested(u64 granted, u64 noExecute, u64 need) {
  if (!BIT(granted, PTE_USER_BIT) || (need == WRITE && !BIT(granted, PTE_WRITE_BIT))) return 0;
  return need != FETCH || !BIT(noExecute, PTE_NX_BIT);
}

static void walkDown(Machine *M, u64 root, u64 address, u64 need) {
  if (address & ~(M->frames | OFFSET)) fail("no such gpa");
  u64 reserved = reservedBits(M, 1), above = root, granted = ~0ull, noExecute = 0, level = 3;
  u32 row = findTable(M, HOST_SETS, address, &level);
  if (row) {
    granted = L32(row + TABLE_CACHE_RIGHTS);
    noExecute = (u64)BIT(L32(row + TABLE_CACHE_RIGHTS), TABLE_CACHE_NX_BIT) << PTE_NX_BIT;
  }
  for (;; level--) {
    u32 frame;
    if (row) {
      frame = L32(row + TABLE_CACHE_FRAME);
      row = 0;
    } else {
      u32 page = pageOf(above & M->frames);
      frame = openTable(M, page, hostKeyOf(M, above), roleOf(DIRECTORY_NESTED, level, address));
      if (level < TABLE_CACHE_LEVELS) keepTable(M, HOST_SETS, level, address, 0, frame, granted, noExecute);
    }
    u64 entry = L64(bytesOf(frame) + (((address >> (12 + 9 * level)) & 511) << 3));
    if (level && (entry & (POINTER_BITS | reserved)) == FOLLOWED) {
      granted &= entry;
      noExecute |= entry;
      above = entry;
      continue;
    }
    if (!BIT(entry, PTE_PRESENT_BIT)) fail("not mapped by the host");
    int large = BIT(entry, PTE_LARGE_BIT) && level > 0;
    if (isReserved(entry, level, large, reserved)) fail("reserved bits");
    granted &= entry;
    noExecute |= entry;
    int leaf = level == 0 || large;
    if (leaf && !allowsNested(granted, noExecute, need)) fail("not allowed by the host");
    noted(entry, leaf && need == WRITE);
    above = entry;
    if (!leaf) continue;
    u64 within = large ? LARGE_OFFSET : OFFSET;
    M->spa = (entry & M->frames & ~within) | (address & within);
    M->isNestedLarge = large;
    M->hostKey = hostKeyOf(M, entry);
    if (!isDram(M, pageOf(M->spa))) fail("no memory there");
    return;
  }
}

static void walkHost(Machine *M, u64 address, u64 need) {
  u64 root = L64(MEMORY_VCPU + VCPU_NCR3);
  u32 row = findNested(M, address, need);
  if (row) {
    u32 flags = L32(row + NESTED_TLB_FLAGS);
    M->spa = ((u64)L32(row + NESTED_TLB_PAGE) << 12) | (address & OFFSET);
    M->isNestedLarge = BIT(flags, NESTED_TLB_LARGE_BIT);
    M->hostKey = BIT(flags, NESTED_TLB_ENCRYPTED_BIT) ? 0 : FRAME_RAW;
    return;
  }
  walkDown(M, root, address, need);
  u32 flags = ((u32)(M->hostKey != FRAME_RAW) << NESTED_TLB_ENCRYPTED_BIT) | ((u32)M->isNestedLarge << NESTED_TLB_LARGE_BIT);
  keepNested(M, address, need, pageOf(M->spa), flags);
}

static void walkNested(Machine *M, u64 address, u64 need, int enc) {
  M->gpa = address;
  walkHost(M, address, need);
  if (!isEnabled(M)) return;
  u32 page = pageOf(M->spa);
  if (!isSnp(M) || !enc) fail("a shared page");
  if (M->isNestedLarge) fail("a nested mapping of 2 MiB");
  checkAs(M, page, address, ownedBy(VCPU(ASID), 0), VCPU(VMPL), wanted(need, VCPU(CPL) == 3));
}

static u32 tableKey(Machine *M) { return isSev(M) ? VCPU(ASID) : M->hostKey; }
static void countChecks(Machine *M, u64 checks) {
  if (isEnabled(M)) count(M, EVENTS_RMP_CHECKS, checks);
}

static void readEntry(Machine *M, u64 entryGpa, u64 gva, u64 level) {
  countChecks(M, 1);
  walkNested(M, entryGpa, READ, isSev(M));
  M->tableFrame = openTable(M, pageOf(M->spa), tableKey(M), roleOf(DIRECTORY_GUEST, level, gva));
  M->entryRead = L64(bytesOf(M->tableFrame) + ((u32)M->spa & OFFSET));
}

static void walkGuest(Machine *M, u64 gva, u64 need) {
  M->gpa = 0;
  if ((u64)((int64_t)(gva << 16) >> 16) != gva) fail("not canonical");
  if (!BIT(VCPU(MODE), VCPU_PAGING_BIT)) fail("no paging");
  u64 reserved = reservedBits(M, isSev(M)), table = L64(MEMORY_VCPU + VCPU_CR3) & M->frames, granted = ~0ull, noExecute = 0, level = 3;
  u32 row = findTable(M, GUEST_SETS, gva, &level);
  if (row) {
    table = L64(row + TABLE_CACHE_GPA);
    granted = L32(row + TABLE_CACHE_RIGHTS);
    noExecute = (u64)BIT(L32(row + TABLE_CACHE_RIGHTS), TABLE_CACHE_NX_BIT) << PTE_NX_BIT;
    countChecks(M, 3 - level);
  }
  for (;; level--) {
    u64 entryGpa = table + (((gva >> (12 + 9 * level)) & 511) << 3);
    if (row) {
      countChecks(M, 1);
      M->entryRead = L64(bytesOf(L32(row + TABLE_CACHE_FRAME)) + ((u32)entryGpa & OFFSET));
      row = 0;
    } else {
      readEntry(M, entryGpa, gva, level);
      if (level < TABLE_CACHE_LEVELS) keepTable(M, GUEST_SETS, level, gva, table, M->tableFrame, granted, noExecute);
    }
    u64 entry = M->entryRead;
    if (level && (entry & (POINTER_BITS | reserved)) == FOLLOWED) {
      granted &= entry;
      noExecute |= entry;
      table = entry & M->frames;
      continue;
    }
    if (!BIT(entry, PTE_PRESENT_BIT)) fail("not mapped by the guest");
    int large = BIT(entry, PTE_LARGE_BIT) && level > 0;
    if (isReserved(entry, level, large, reserved)) fail("reserved bits");
    granted &= entry;
    noExecute |= entry;
    int leaf = level == 0 || large;
    if (leaf && ((need == WRITE && !BIT(granted, PTE_WRITE_BIT)) || (need == FETCH && BIT(noExecute, PTE_NX_BIT)) ||
                 (VCPU(CPL) == 3 && !BIT(granted, PTE_USER_BIT))))
      fail("not allowed by the guest");
    noted(entry, leaf && need == WRITE);
    table = entry & M->frames;
    if (!leaf) continue;
    u64 within = large ? LARGE_OFFSET : OFFSET;
    M->gpa = (table & ~within) | (gva & within);
    M->isPrivate = isSev(M) && (need == FETCH || (entry & M->cBit) != 0);
    return;
  }
}

// Where all is as it mostly is (assembly/followed.ts, assembly/remembered.ts).
#define SET (MASK(PTE_PRESENT_BIT) | MASK(PTE_WRITE_BIT) | MASK(PTE_USER_BIT) | MASK(PTE_ACCESSED_BIT) | MASK(PTE_DIRTY_BIT))
#define MODES ((1u << VCPU_PAGING_BIT) | (1u << VCPU_SEV_BIT) | (1u << VCPU_SEV_SNP_BIT))

static u64 rights(u64 need, int user) {
  return ((u64)(need == WRITE) << PTE_WRITE_BIT) | ((u64)user << PTE_USER_BIT) | ((u64)(need == FETCH) << PTE_NX_BIT);
}
static u64 deciding(u64 need, int user) { return MASK(PTE_PRESENT_BIT) | MASK(PTE_ACCESSED_BIT) | rights(need, user); }

static int isUsual(Machine *M, u64 gva) {
  return (VCPU(MODE) & MODES) == MODES && isEnabled(M) && (u64)((int64_t)(gva << 16) >> 16) == gva &&
         L32(MEMORY_SLOTS + VCPU(ASID) * SLOT_SIZE + SLOT_STATE) == SLOT_ACTIVE;
}

static int found(Machine *M, u64 gpa, u64 spa) {
  M->gpa = gpa;
  M->spa = spa;
  M->isPrivate = 1;
  count(M, EVENTS_WALKS, 1);
  count(M, EVENTS_RMP_CHECKS, 5);
  return 1;
}

static inline u64 entryBelow(Machine *M, u64 above, u64 index, u32 role, u64 pages) {
  u64 page = (above & M->frames) >> 12;
  if (page >= pages) return 0;
  u32 frame = openOf(M, (u32)page) - role;
  if (frame - 1 >= FRAME_BITS || L32(infoOf(frame) + FRAME_KEY) != hostKeyOf(M, above)) return 0;
  return L64(bytesOf(frame) + ((index & 511) << 3));
}

static inline u64 follow(Machine *M, u64 root, u64 address, u64 pointer, u64 leaf, u64 pages) {
  u64 top = entryBelow(M, root, address >> 39, roleOf(DIRECTORY_NESTED, 3, 0), pages);
  if ((top ^ SET) & pointer) return 0;
  u64 upper = entryBelow(M, top, address >> 30, roleOf(DIRECTORY_NESTED, 2, 0), pages);
  if ((upper ^ SET) & pointer) return 0;
  u64 lower = entryBelow(M, upper, address >> 21, roleOf(DIRECTORY_NESTED, 1, 0), pages);
  if ((lower ^ SET) & pointer) return 0;
  u64 entry = entryBelow(M, lower, address >> 12, roleOf(DIRECTORY_NESTED, 0, address), pages);
  return (entry ^ SET) & leaf || (entry & M->frames) >> 12 >= pages ? 0 : entry;
}

static int walkFollowed(Machine *M, u64 gva, u64 need) {
  if (!isUsual(M, gva) || M->frames >> RMP_ASID_LSB) return 0;
  u64 frames = M->frames, c = M->cBit, reserved = reservedBits(M, 1), pages = STATE(DRAM_PAGES), root = L64(MEMORY_VCPU + VCPU_NCR3);
  u32 rmp = STATE(RMP_ROOT), asid = VCPU(ASID), vmpl = VCPU(VMPL);
  int user = VCPU(CPL) == 3;
  u64 owned = ownedBy(asid, 0), dirty = (u64)(need == WRITE) << PTE_DIRTY_BIT;
  u64 guestLeaf = deciding(need, user) | reserved | dirty, guestPointer = deciding(need, user) | reserved | MASK(PTE_LARGE_BIT);
  u64 nestedLeaf = deciding(READ, 1) | reserved, nestedPointer = nestedLeaf | MASK(PTE_LARGE_BIT);
  u32 wants = wanted(READ, user), role = roleOf(DIRECTORY_GUEST, 3, gva);
  u64 shift = 39, address = (L64(MEMORY_VCPU + VCPU_CR3) & frames) | (((gva >> shift) & 511) << 3);
  for (;;) {
    u64 entry = follow(M, root, address, nestedPointer, nestedLeaf, pages);
    u32 page = (u32)((entry & frames) >> 12);
    if (!entry || !isOwn(M, rmp, page, address, owned, vmpl, wants)) return 0;
    if (!shift) return found(M, address, (entry & frames) | (address & OFFSET));
    u32 frame = openOf(M, page) - role;
    if (frame - 1 >= FRAME_BITS || L32(infoOf(frame) + FRAME_KEY) != asid) return 0;
    entry = L64(bytesOf(frame) + ((u32)address & OFFSET));
    if (shift > 12) {
      if ((entry ^ SET) & guestPointer) return 0;
      role = shift == 21 ? roleOf(DIRECTORY_GUEST, 0, gva) : role - (1u << DIRECTORY_LEVEL_LSB);
      shift -= 9;
      address = (entry & frames) | (((gva >> shift) & 511) << 3);
    } else {
      if ((entry ^ SET) & guestLeaf || !(entry & c)) return 0;
      shift = 0;
      address = (entry & frames) | (gva & OFFSET);
      nestedLeaf = deciding(need, 1) | reserved | dirty;
      nestedPointer = deciding(need, 1) | reserved | MASK(PTE_LARGE_BIT);
      wants = wanted(need, user);
    }
  }
}

static inline int isKnown(Machine *M, u32 row, u64 address, u64 vcpu) {
  return isTableOf(M, row, vcpu | READ, (address & TAGGED) >> 21) &&
         !BIT(L32(L32(row + TABLE_CACHE_ENTRY) + DIRECTORY_OPEN), DIRECTORY_WRITTEN_BIT);
}

static inline u64 entryIn(Machine *M, u32 row, u64 address) {
  return L64(bytesOf(L32(row + TABLE_CACHE_FRAME)) + (((u32)(address >> 12) & 511) << 3));
}

static inline int grants(Machine *M, u32 row, u64 rights) {
  u64 above = L32(row + TABLE_CACHE_RIGHTS);
  return !(((above | above << (PTE_NX_BIT - TABLE_CACHE_NX_BIT)) ^ SET) & rights);
}

static int walkRemembered(Machine *M, u64 gva, u64 need) {
  if (!isUsual(M, gva)) return 0;
  u64 leaf = reservedBits(M, 1) | ((u64)(need == WRITE) << PTE_DIRTY_BIT), vcpu = addressTag(M, 0);
  int user = VCPU(CPL) == 3;
  u32 guest = tableRow(GUEST_SETS, 0, gva >> 21);
  if (!isKnown(M, guest, gva, vcpu)) return 0;
  u64 entry = entryIn(M, guest, gva);
  if ((entry ^ SET) & (deciding(need, user) | leaf) || !(entry & M->cBit) || !grants(M, guest, rights(need, user))) return 0;
  u64 gpa = (entry & M->frames) | (gva & OFFSET);
  u32 host = tableRow(HOST_SETS, 0, gpa >> 21);
  if (gpa & ~TAGGED || !isKnown(M, host, gpa, vcpu)) return 0;
  u64 nested = entryIn(M, host, gpa);
  if ((nested ^ SET) & (deciding(need, 1) | leaf) || !grants(M, host, rights(need, 1))) return 0;
  u64 spa = (nested & M->frames) | (gva & OFFSET);
  if (spa >> 12 >= STATE(DRAM_PAGES)) return 0;
  u64 owned = ownedBy(VCPU(ASID), 0);
  if (!isOwn(M, STATE(RMP_ROOT), (u32)(spa >> 12), gpa, owned, VCPU(VMPL), wanted(need, user))) return 0;
  return found(M, gpa, spa);
}

static void walk(Machine *M, u64 gva, u64 need) {
  if (M->plain ? walkFollowed(M, gva, need) : walkRemembered(M, gva, need)) return;
  count(M, EVENTS_WALKS, 1);
  countChecks(M, 1);
  if (isSev(M) && L32(MEMORY_SLOTS + VCPU(ASID) * SLOT_SIZE + SLOT_STATE) != SLOT_ACTIVE) fail("no key");
  walkGuest(M, gva, need);
  walkNested(M, M->gpa, need, M->isPrivate);
}

// The access (assembly/access.ts, assembly/tlb.ts).
static void markStore(Machine *M, u32 place, u32 bytes) {
  u32 info = infoOf(place >> 12);
  u64 crosses = ((place & 63) + bytes - 1) >> 6;
  L64(info + FRAME_DIRTY) |= ((crosses << 1) | 1) << ((place >> 6) & 63);
}

static __attribute__((noinline)) u32 walkTo(Machine *M, u64 gva, u32 bytes, u64 need, u64 tag) {
  if (((u32)gva & OFFSET) + bytes > 4096) fail("an access crosses a page");
  walk(M, gva, need);
  u32 entry = directoryEntry(M, pageOf(M->spa));
  u32 frame = openAt(M, entry, isSev(M) && M->isPrivate ? VCPU(ASID) : M->hostKey);
  if (BIT(L32(entry + DIRECTORY_OPEN), DIRECTORY_TABLE_BIT)) fail("an access to a table");
  u32 place = bytesOf(frame) | ((u32)M->spa & OFFSET);
  if (need == WRITE) markStore(M, place, bytes);
  keepWalk(M, gva, tag, need == WRITE ? READ | WRITE : need, frame);
  return place;
}

static inline u32 placeOf(Machine *M, u64 gva, u32 bytes, u64 need, u64 tag) {
  u32 row = tlbRow(gva);
  u64 lacks = L64(row + TLB_TAG) ^ (((gva + bytes - 1) >> 12 << TLB_PAGE_LSB) | tag | RIGHTS);
  if (lacks & (~RIGHTS | need)) return walkTo(M, gva, bytes, need, tag);
  u32 place = (u32)gva + L32(row + TLB_DISTANCE);
  if (need == WRITE) markStore(M, place, bytes);
  return place;
}

// The values (assembly/value.ts).
#define STEP 0x9e3779b97f4a7c15ull
static inline u64 folded(u64 digest, u64 value) {
  u64 x = (digest ^ value) * STEP;
  return (x << 23) | (x >> 41);
}
static inline u64 storedWord(u64 seed, u64 ordinal, u64 gva) {
  u64 x = ((ordinal << 24) ^ gva ^ seed) * STEP;
  return x ^ (x >> 32);
}
static const u64 LOWEST[] = {0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffffull, 0xffffffffffffull, 0xffffffffffffffull, ~0ull};
static inline u64 lowest(u64 word, u32 bytes) { return word & LOWEST[bytes]; }

// The loop (assembly/replay.ts), for what a trace of narrow accesses within pages holds.
#define STORES(BITS, BYTES)                                                   \
  case RECORD_STORE_##BYTES:                                                  \
    place = placeOf(M, gva, BYTES, WRITE, tag);                                 \
    L##BITS(place) = (u##BITS)storedWord(seed, ordinal + i, gva);             \
    break;                                                                    \
  case RECORD_MODIFY_##BYTES: {                                               \
    place = placeOf(M, gva, BYTES, WRITE, tag);                                 \
    u##BITS old = L##BITS(place);                                             \
    digest = folded(digest, old);                                             \
    L##BITS(place) = (u##BITS)(old + storedWord(seed, ordinal + i, gva));     \
    break;                                                                    \
  }

static void replay(Machine *M, u32 records) {
  u64 tag = vcpuTag(M), seed = L64(MEMORY_STATE + STATE_SEED), ordinal = L64(MEMORY_STATE + STATE_ORDINAL);
  u64 digest = L64(MEMORY_STATE + STATE_DIGEST);
  if (STATE(CHECK_EACH)) fail("values are compared one by one");
  for (u32 i = 0; i < records; i++) {
    u32 record = MEMORY_BATCH + (i << 4), place;
    u64 gva = L64(record + RECORD_GVA);
    u32 bytes = L32(record + RECORD_BYTES);
    u32 op = L8(record + RECORD_OP);
    if (op == RECORD_FETCH) {
      place = placeOf(M, gva, bytes, FETCH, tag);
      digest = folded(digest, lowest(L64(place), bytes));
      continue;
    }
    if (op == RECORD_LOAD) {
      place = placeOf(M, gva, bytes, READ, tag);
      digest = folded(digest, lowest(L64(place), bytes));
      continue;
    }
    switch (op) {
      STORES(8, 1)
      STORES(16, 2)
      STORES(32, 4)
      STORES(64, 8)
      default:
        fail("a wide access");
    }
  }
  L64(MEMORY_STATE + STATE_DIGEST) = digest;
}

static void walkEach(Machine *M, u32 records) {
  u64 digest = L64(MEMORY_STATE + STATE_DIGEST);
  for (u32 i = 0; i < records; i++) {
    walk(M, L64(MEMORY_BATCH + (i << 4) + RECORD_GVA), READ);
    digest = folded(digest, M->spa);
  }
  L64(MEMORY_STATE + STATE_DIGEST) = digest;
}

static void checkEach(Machine *M, u32 records) {
  u64 digest = L64(MEMORY_STATE + STATE_DIGEST);
  u64 owned = ownedBy(VCPU(ASID), 0);
  u32 vmpl = VCPU(VMPL), wants = wanted(READ, 0), root = STATE(RMP_ROOT);
  for (u32 i = 0; i < records; i++) {
    u32 record = MEMORY_BATCH + (i << 4);
    u32 page = L32(record + RECORD_BYTES);
    u64 gpa = L64(record + RECORD_GVA);
    if (!isDram(M, page) || gpa >> RMP_ASID_LSB || !isOwn(M, root, page, gpa, owned, vmpl, wants)) fail("refused by the RMP");
    digest = folded(digest, 0);
  }
  L64(MEMORY_STATE + STATE_DIGEST) = digest;
}

// A trace: how many records a batch has and how many batches there are, then each batch behind the vCPU that runs it.
typedef struct {
  u8 *bytes;
  u32 records, batches;
} Trace;

static Trace traces[4];

// Both sides copy a batch in before the clock runs.
static u64 run(Machine *M, const char *what, const Trace *trace) {
  u64 spent = 0, length = (u64)trace->records * RECORD_SIZE;
  const u8 *at = trace->bytes + 8;
  L64(MEMORY_STATE + STATE_DIGEST) = 0;
  M->plain = strcmp(what, "walk-full") == 0;
  for (u32 batch = 0; batch < trace->batches; batch++, at += VCPU_SIZE + length) {
    memcpy(M->m + MEMORY_VCPU, at, VCPU_SIZE);
    memcpy(M->m + MEMORY_BATCH, at + VCPU_SIZE, length);
    u64 before = nanoseconds();
    if (strcmp(what, "rmp-check") == 0) checkEach(M, trace->records);
    else if (strncmp(what, "walk", 4) == 0) walkEach(M, trace->records);
    else replay(M, trace->records);
    spent += nanoseconds() - before;
  }
  return spent;
}

static u8 *contents(const char *path, u64 *length) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path);
  fseek(file, 0, SEEK_END);
  *length = (u64)ftell(file);
  rewind(file);
  u8 *bytes = aligned_alloc(4096, (*length + 4095) & ~4095ull);
  if (!bytes || fread(bytes, 1, *length, file) != *length) fail("out of memory");
  fclose(file);
  return bytes;
}

static void make(Machine *M, const char *path) {
  u64 length;
  M->m = contents(path, &length);
  M->cBit = STATE(C_BIT) ? MASK(STATE(C_BIT)) : 0;
  M->frames = (MASK(STATE(ADDRESS_BITS)) - 1) & ~OFFSET;
}

typedef struct {
  Machine *machine;
  const char *what;
  const Trace *trace;
} Job;

static void *runJob(void *given) {
  Job *job = given;
  run(job->machine, job->what, job->trace);
  return NULL;
}

// So many threads, each on a memory of its own, by the clock on the wall.
static u64 together(Machine *machines, u32 threads, const char *what, const Trace *trace) {
  pthread_t started[2];
  Job jobs[2];
  u64 before = wallNanoseconds();
  for (u32 i = 0; i < threads; i++) {
    jobs[i] = (Job){&machines[i], what, trace};
    pthread_create(&started[i], NULL, runJob, &jobs[i]);
  }
  for (u32 i = 0; i < threads; i++) pthread_join(started[i], NULL);
  return wallNanoseconds() - before;
}

// engine MEMORY TRACE..., then lines: a task's name, which trace, and how many threads (0: this one, by its processor time).
int main(int words, char **word) {
  static Machine machines[2];
  if (words < 3 || words > 6) fail("engine MEMORY TRACE...");
  for (int i = 2; i < words; i++) {
    u64 length;
    u8 *bytes = contents(word[i], &length);
    traces[i - 2] = (Trace){bytes, ((u32 *)bytes)[0], ((u32 *)bytes)[1]};
  }
  Machine *M = &machines[0];
  make(M, word[1]);
  char name[32];
  unsigned index, threads;
  while (scanf("%31s %u %u", name, &index, &threads) == 3) {
    const Trace *trace = &traces[index];
    if (threads == 2 && !machines[1].m) {
      make(&machines[1], word[1]);
      run(&machines[1], name, trace);
    }
    u64 walks = L64(MEMORY_EVENTS + EVENTS_WALKS), checks = L64(MEMORY_EVENTS + EVENTS_RMP_CHECKS);
    u64 spent = threads ? together(machines, threads, name, trace) : run(M, name, trace);
    walks = L64(MEMORY_EVENTS + EVENTS_WALKS) - walks;
    checks = L64(MEMORY_EVENTS + EVENTS_RMP_CHECKS) - checks;
    printf("%lu %016lx %lu %lu\n", (unsigned long)spent, (unsigned long)L64(MEMORY_STATE + STATE_DIGEST), (unsigned long)walks,
           (unsigned long)checks);
    fflush(stdout);
  }
}
