//! What a put of a local file syncs. Promise P11.
//!
//! A filter of system calls traps each sync of the thread that puts, and of the threads that it
//! starts; the handler records whether the file descriptor is a file or a directory.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![expect(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "tests"
)]
#![expect(unsafe_code, reason = "system calls")]

use std::os::raw::{c_int, c_void};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use zarr_store::{Durability, Precondition, Store};

static FILES: AtomicUsize = AtomicUsize::new(0);
static DIRECTORIES: AtomicUsize = AtomicUsize::new(0);

/// Records a trapped sync, and lets it succeed.
extern "C" fn record(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes the context of the trapped call: registers that may be changed.
    let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    let descriptor = c_int::try_from(registers[libc::REG_RDI as usize]).unwrap_or(-1);
    // SAFETY: `fstat` fills a structure for which zeros are valid.
    let kind = unsafe {
        let mut found = std::mem::zeroed::<libc::stat>();
        libc::fstat(descriptor, &raw mut found);
        found.st_mode & libc::S_IFMT
    };
    match kind {
        libc::S_IFDIR => DIRECTORIES.fetch_add(1, Ordering::SeqCst),
        _ => FILES.fetch_add(1, Ordering::SeqCst),
    };
    registers[libc::REG_RAX as usize] = 0;
}

/// Traps the syncs of this thread and of the threads that it starts.
fn trap_syncs() {
    const fn step(code: u32, jump: (u8, u8), value: u32) -> libc::sock_filter {
        let (jt, jf) = jump;
        libc::sock_filter {
            code: code as u16,
            jt,
            jf,
            k: value,
        }
    }
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let mut steps = [
        step(load, (0, 0), 0),
        step(equal, (1, 0), libc::SYS_fsync as u32),
        step(equal, (0, 1), libc::SYS_fdatasync as u32),
        step(libc::BPF_RET, (0, 0), libc::SECCOMP_RET_TRAP),
        step(libc::BPF_RET, (0, 0), libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: 5,
        filter: steps.as_mut_ptr(),
    };
    // SAFETY: the handler has the signature that SA_SIGINFO requires, and is async-signal-safe; the
    // program outlives the calls.
    unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        action.sa_sigaction = record as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(
            libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()),
            0
        );
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let mode = libc::SECCOMP_MODE_FILTER;
        assert_eq!(
            libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program),
            0
        );
    }
}

/// Puts an object, and returns the number of files and of directories that the put synced.
fn synced(folder: &Path, key: &str, durability: Option<Durability>) -> (usize, usize) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap();
    let mut store = Store::local(folder).unwrap();
    if let Some(durability) = durability {
        store = store.with_durability(durability);
    }
    let key = key.to_owned();
    let counts = || [&FILES, &DIRECTORIES].map(|count| count.swap(0, Ordering::SeqCst));
    counts();
    let put = move || {
        trap_syncs();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let bytes = vec!["content".into()];
        runtime
            .block_on(store.put(&key, bytes, Precondition::None))
            .unwrap();
    };
    std::thread::spawn(put).join().unwrap();
    let [files, directories] = counts();
    (files, directories)
}

#[test]
fn synced_puts_sync_the_file_and_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    let put = |key: &str| synced(folder.path(), key, Some(Durability::Synced));
    assert_eq!(put("a"), (1, 1));
    assert_eq!(put("a"), (1, 1));
    // The entries of new directories are synced too: those of `n/m`, of `n` and of the store.
    let (files, directories) = put("n/m/a");
    assert_eq!(files, 1);
    assert!(directories >= 3, "{directories}");
    assert_eq!(put("n/m/b"), (1, 1));
}

#[test]
fn atomic_puts_do_not_sync() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        synced(folder.path(), "n/a", Some(Durability::Atomic)),
        (0, 0)
    );
    assert_eq!(
        synced(folder.path(), "n/a", None),
        (0, 0),
        "the default is atomic"
    );
}
