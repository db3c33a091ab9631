//! Gives a process the time of day that a test chooses: `LD_PRELOAD` loads this library in front of the C library.
//!
//! The environment's `TIDEGATE_TEST_CLOCK` names a file of eight bytes: nanoseconds since 1970, little-endian. The
//! process reads them whenever it asks for the time of day, by a page of memory that it shares with the file.
//! Clocks that only measure intervals stay as they are, so timers and timeouts of the process work as usual.
//! Without such a file the time of day is the true one.

#![expect(
    unsafe_code,
    reason = "functions of the C library are replaced, and a file is shared as memory"
)]

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

const NANOSECONDS: u64 = 1_000_000_000;

/// The shared page: null before it was asked for, and [`NO_CLOCK`] if there is none.
static CLOCK: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
/// What [`CLOCK`] points to without a file. It is never set.
static NO_CLOCK: AtomicU64 = AtomicU64::new(0);

/// Returns the chosen time of day in nanoseconds since 1970; `None` where no test chooses.
fn chosen() -> Option<u64> {
    let mut clock = CLOCK.load(Ordering::Acquire);
    if clock.is_null() {
        clock = shared_page().unwrap_or_else(|| (&raw const NO_CLOCK).cast_mut());
        // Two threads that come first map the page twice, and either is as good.
        CLOCK.store(clock, Ordering::Release);
    }
    // SAFETY: the pointer is to `NO_CLOCK` or to a page that is mapped as long as the process lives, and both are
    // aligned for eight bytes.
    let time = unsafe { (*clock).load(Ordering::Relaxed) };
    (time != 0).then_some(u64::from_le(time))
}

fn shared_page() -> Option<*mut AtomicU64> {
    // SAFETY: the name ends with a zero, and nothing changes the environment of a process that has started.
    let name = unsafe { libc::getenv(c"TIDEGATE_TEST_CLOCK".as_ptr()) };
    if name.is_null() {
        return None;
    }
    // SAFETY: the name is a text that the environment keeps.
    let file = unsafe { libc::open(name, libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return None;
    }
    // SAFETY: a new mapping of a file that was opened for reading; a test gives it eight bytes, which are never fewer.
    let page = unsafe {
        libc::mmap(ptr::null_mut(), size_of::<u64>(), libc::PROT_READ, libc::MAP_SHARED, file, 0)
    };
    // SAFETY: it was opened above, and a mapping outlives it.
    unsafe { libc::close(file) };
    (page != libc::MAP_FAILED).then(|| page.cast())
}

/// `clock_gettime` of the C library; 0, or -1 and `errno`.
///
/// # Safety
///
/// `time` is null or may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    let of_day = matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE);
    if let Some(now) = chosen().filter(|_| of_day && !time.is_null()) {
        let seconds = (now / NANOSECONDS).cast_signed();
        let rest = (now % NANOSECONDS).cast_signed();
        // SAFETY: it is not null, and the caller says that it may be written to.
        unsafe { time.write(libc::timespec { tv_sec: seconds, tv_nsec: rest }) };
        return 0;
    }
    // SAFETY: the arguments of the caller, as they are.
    let status = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) };
    if status == 0 { 0 } else { -1 }
}

/// `gettimeofday` of the C library; 0, or -1 and `errno`.
///
/// # Safety
///
/// `time` is null or may be written to; `zone` likewise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(time: *mut libc::timeval, zone: *mut c_void) -> c_int {
    if let Some(now) = chosen().filter(|_| !time.is_null()) {
        let seconds = (now / NANOSECONDS).cast_signed();
        let microseconds = (now % NANOSECONDS / 1000).cast_signed();
        // SAFETY: it is not null, and the caller says that it may be written to.
        unsafe { time.write(libc::timeval { tv_sec: seconds, tv_usec: microseconds }) };
        return 0;
    }
    // SAFETY: the arguments of the caller, as they are.
    let status = unsafe { libc::syscall(libc::SYS_gettimeofday, time, zone) };
    if status == 0 { 0 } else { -1 }
}
