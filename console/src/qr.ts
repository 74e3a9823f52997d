// QR codes (ISO/IEC 18004): text as octets, error correction M, versions 1 to 10. Enough for the address of an authenticator.

/** Per version: octets of data and of error correction a block, and the blocks as [count, octets of data]. */
const VERSIONS: { correction: number; blocks: [number, number][]; align: number[] }[] = [
    { correction: 10, blocks: [[1, 16]], align: [] },
    { correction: 16, blocks: [[1, 28]], align: [6, 18] },
    { correction: 26, blocks: [[1, 44]], align: [6, 22] },
    { correction: 18, blocks: [[2, 32]], align: [6, 26] },
    { correction: 24, blocks: [[2, 43]], align: [6, 30] },
    { correction: 16, blocks: [[4, 27]], align: [6, 34] },
    { correction: 18, blocks: [[4, 31]], align: [6, 22, 38] },
    { correction: 22, blocks: [[2, 38], [2, 39]], align: [6, 24, 42] },
    { correction: 22, blocks: [[3, 36], [2, 37]], align: [6, 26, 46] },
    { correction: 26, blocks: [[4, 43], [1, 44]], align: [6, 28, 50] },
];

/** The modules, row by row, dark ones true; null for a text that is too long. */
export function qr(text: string): boolean[][] | null {
    const octets = new TextEncoder().encode(text);
    const at = VERSIONS.findIndex(({ blocks }, index) => octets.length + (index < 9 ? 2 : 3) <= capacity(blocks));
    const version = VERSIONS[at];
    if (!version) return null;
    const words = interleaved(data(octets, at + 1, capacity(version.blocks)), version.blocks, version.correction);
    let best: { penalty: number; modules: boolean[][] } | null = null;
    for (let mask = 0; mask < 8; mask += 1) {
        const modules = drawn(at + 1, version.align, words, mask);
        const penalty = penaltyOf(modules);
        if (best === null || penalty < best.penalty) best = { penalty, modules };
    }
    return best?.modules ?? null;
}

const capacity = (blocks: [number, number][]): number => blocks.reduce((sum, [count, octets]) => sum + count * octets, 0);

function data(octets: Uint8Array, version: number, room: number): number[] {
    const bits: number[] = [];
    const put = (value: number, length: number): void => {
        for (let bit = length - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
    };
    put(4, 4);
    put(octets.length, version < 10 ? 8 : 16);
    for (const octet of octets) put(octet, 8);
    put(0, Math.min(4, room * 8 - bits.length));
    while (bits.length % 8 !== 0) bits.push(0);
    const words: number[] = [];
    for (let at = 0; at < bits.length; at += 8) words.push(bits.slice(at, at + 8).reduce((word, bit) => (word << 1) | bit, 0));
    for (let pad = 0xec; words.length < room; pad ^= 0xec ^ 0x11) words.push(pad);
    return words;
}

function interleaved(words: number[], shape: [number, number][], correction: number): number[] {
    const blocks: { data: number[]; check: number[] }[] = [];
    let at = 0;
    for (const [count, length] of shape) {
        for (let block = 0; block < count; block += 1) {
            const part = words.slice(at, at + length);
            blocks.push({ data: part, check: remainder(part, correction) });
            at += length;
        }
    }
    const longest = Math.max(...blocks.map((block) => block.data.length));
    const out: number[] = [];
    for (let index = 0; index < longest; index += 1) for (const { data } of blocks) if (index < data.length) out.push(data[index] ?? 0);
    for (let index = 0; index < correction; index += 1) for (const { check } of blocks) out.push(check[index] ?? 0);
    return out;
}

/** Multiplication in GF(256) modulo x⁸ + x⁴ + x³ + x² + 1. */
function times(a: number, b: number): number {
    let product = 0;
    for (let bit = 7; bit >= 0; bit -= 1) {
        product = (product << 1) ^ ((product >> 7) * 0x11d);
        product ^= ((b >> bit) & 1) * a;
    }
    return product;
}

function remainder(words: number[], degree: number): number[] {
    const generator = new Array<number>(degree).fill(0);
    generator[degree - 1] = 1;
    for (let root = 1, step = 0; step < degree; step += 1, root = times(root, 2)) {
        for (let at = 0; at < degree; at += 1) generator[at] = times(generator[at] ?? 0, root) ^ (generator[at + 1] ?? 0);
    }
    const rest = new Array<number>(degree).fill(0);
    for (const word of words) {
        const factor = word ^ (rest.shift() ?? 0);
        rest.push(0);
        for (let at = 0; at < degree; at += 1) rest[at] = (rest[at] ?? 0) ^ times(generator[at] ?? 0, factor);
    }
    return rest;
}

const MASKS: ((row: number, column: number) => boolean)[] = [
    (r, c) => (r + c) % 2 === 0,
    (r) => r % 2 === 0,
    (_, c) => c % 3 === 0,
    (r, c) => (r + c) % 3 === 0,
    (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
    (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
    (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
    (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
];

function drawn(version: number, align: number[], words: number[], mask: number): boolean[][] {
    const size = version * 4 + 17;
    const cells: (boolean | null)[][] = Array.from({ length: size }, () => new Array<boolean | null>(size).fill(null));
    const set = (row: number, column: number, dark: boolean): void => {
        const line = cells[row];
        if (line && column >= 0 && column < size) line[column] = dark;
    };
    for (let at = 0; at < size; at += 1) {
        set(6, at, at % 2 === 0);
        set(at, 6, at % 2 === 0);
    }
    const square = (row: number, column: number, reach: number, light: number[]): void => {
        for (let r = -reach; r <= reach; r += 1)
            for (let c = -reach; c <= reach; c += 1) set(row + r, column + c, !light.includes(Math.max(Math.abs(r), Math.abs(c))));
    };
    for (const [row, column] of [[3, 3], [3, size - 4], [size - 4, 3]] as const) square(row, column, 4, [2, 4]);
    const last = align.length - 1;
    align.forEach((row, r) =>
        align.forEach((column, c) => {
            if (!(r === 0 && c === 0) && !(r === 0 && c === last) && !(r === last && c === 0)) square(row, column, 2, [1]);
        }),
    );
    drawFormat(size, mask, set);
    if (version >= 7) drawVersion(size, version, set);
    return filled(cells, words, mask);
}

function drawFormat(size: number, mask: number, set: (row: number, column: number, dark: boolean) => void): void {
    // Error correction M is 00.
    let rest = mask;
    for (let step = 0; step < 10; step += 1) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
    const bits = ((mask << 10) | rest) ^ 0x5412;
    const bit = (at: number): boolean => ((bits >> at) & 1) === 1;
    for (let at = 0; at <= 5; at += 1) set(at, 8, bit(at));
    set(7, 8, bit(6));
    set(8, 8, bit(7));
    set(8, 7, bit(8));
    for (let at = 9; at < 15; at += 1) set(8, 14 - at, bit(at));
    for (let at = 0; at < 8; at += 1) set(8, size - 1 - at, bit(at));
    for (let at = 8; at < 15; at += 1) set(size - 15 + at, 8, bit(at));
    set(size - 8, 8, true);
}

function drawVersion(size: number, version: number, set: (row: number, column: number, dark: boolean) => void): void {
    let rest = version;
    for (let step = 0; step < 12; step += 1) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
    const bits = (version << 12) | rest;
    for (let at = 0; at < 18; at += 1) {
        const dark = ((bits >> at) & 1) === 1;
        set(Math.floor(at / 3), size - 11 + (at % 3), dark);
        set(size - 11 + (at % 3), Math.floor(at / 3), dark);
    }
}

function filled(cells: (boolean | null)[][], words: number[], mask: number): boolean[][] {
    const size = cells.length;
    const flips = MASKS[mask] ?? (() => false);
    let bit = 0;
    for (let right = size - 1; right >= 1; right -= 2) {
        if (right === 6) right = 5;
        for (let step = 0; step < size; step += 1) {
            for (const column of [right, right - 1]) {
                const upward = ((right + 1) & 2) === 0;
                const row = upward ? size - 1 - step : step;
                const line = cells[row];
                if (!line || line[column] !== null) continue;
                const word = words[bit >> 3] ?? 0;
                const dark = ((word >> (7 - (bit & 7))) & 1) === 1;
                line[column] = dark !== flips(row, column);
                bit += 1;
            }
        }
    }
    return cells.map((line) => line.map((cell) => cell === true));
}

/** How hard it would be to read (ISO/IEC 18004 §7.8.3): runs, blocks, finder-like rows, and imbalance. */
function penaltyOf(modules: boolean[][]): number {
    const size = modules.length;
    const at = (row: number, column: number): boolean => modules[row]?.[column] === true;
    let penalty = 0;
    let dark = 0;
    const lookalike = /(?=1011101(0000))|(?=(0000)1011101)/g;
    for (let a = 0; a < size; a += 1) {
        for (const line of [(b: number) => at(a, b), (b: number) => at(b, a)]) {
            let text = "";
            for (let b = 0; b < size; b += 1) text += line(b) ? "1" : "0";
            for (const run of text.match(/0{5,}|1{5,}/g) ?? []) penalty += run.length - 2;
            penalty += 40 * [...text.matchAll(lookalike)].length;
        }
        for (let b = 0; b < size; b += 1) {
            if (at(a, b)) dark += 1;
            const same = a + 1 < size && b + 1 < size && at(a, b) === at(a + 1, b) && at(a, b) === at(a, b + 1) && at(a, b) === at(a + 1, b + 1);
            if (same) penalty += 3;
        }
    }
    return penalty + 10 * Math.floor(Math.abs((dark * 100) / (size * size) - 50) / 5);
}
