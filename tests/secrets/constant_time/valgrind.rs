//! What a program can ask of valgrind while it runs under it.

#![allow(unsafe_code, reason = "valgrind is asked by instructions that do nothing anywhere else")]

/// Marks bytes as undefined: what depends on them from now on, and decides a jump or an address, is
/// reported.
pub(crate) fn undefined(bytes: &[u8]) {
    ask(MAKE_UNDEFINED, bytes.as_ptr() as usize, bytes.len());
}

/// Gives a value that anybody may know: jumps by it are no fault.
pub(crate) fn defined<T>(value: T) -> T {
    let address: *const T = &raw const value;
    ask(MAKE_DEFINED, address as usize, size_of::<T>());
    // SAFETY: `value` is read once, here, and forgotten: read anew, because a register keeps its mark.
    let read = unsafe { address.read_volatile() };
    std::mem::forget(value);
    read
}

/// Runs `work` while nothing is reported.
pub(crate) fn unreported<T>(work: impl FnOnce() -> T) -> T {
    ask(CHANGE_SILENCE, 1, 0);
    let made = work();
    ask(CHANGE_SILENCE, usize::MAX, 0);
    made
}

/// Whether this program runs under valgrind.
pub(crate) fn is_watching() -> bool {
    ask(RUNNING_ON_VALGRIND, 0, 0) != 0
}

const RUNNING_ON_VALGRIND: usize = 0x1001;
const CHANGE_SILENCE: usize = 0x1801;
/// Memcheck's requests begin with its letters.
const MEMCHECK: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16;
const MAKE_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_DEFINED: usize = MEMCHECK + 2;

/// A client request, as `valgrind.h` writes it for this processor. Without valgrind, it gives 0.
#[cfg(target_arch = "x86_64")]
fn ask(request: usize, first: usize, second: usize) -> usize {
    let block = [request, first, second, 0, 0, 0];
    let mut answer = 0;
    // SAFETY: the rotations add up to 128 bits, so that `rdi` is as before; `xchg` changes nothing.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") block.as_ptr(),
            inout("rdx") answer,
            options(nostack),
        );
    }
    answer
}

#[cfg(not(target_arch = "x86_64"))]
fn ask(_: usize, _: usize, _: usize) -> usize {
    0
}
