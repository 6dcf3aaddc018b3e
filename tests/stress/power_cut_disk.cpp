#include "stress/power_cut_disk.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include "support/child_process.h"

namespace triune::testing {
namespace {

// From the kernel's fs/ext4/ext4.h, which no header for users has.
constexpr unsigned long shutdown_request = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t shutdown_without_log_flush = 2;

constexpr ::off_t disk_bytes = ::off_t{1} << 30U;  // sparse

void require(bool holds, const std::string& what) {
  if (!holds) throw std::system_error(errno, std::generic_category(), what);
}

/// Closes what it holds.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : value_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    require(value_ >= 0, "cannot open " + path.string());
  }
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

/// Once for the process: mounts that other processes do not see.
void keep_mounts_private() {
  static const bool done = [] {
    require(::unshare(CLONE_NEWNS) == 0, "cannot have mounts of its own");
    require(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "cannot make mounts private");
    return true;
  }();
  static_cast<void>(done);
}

/// Makes the file of a disk a block device, which lasts as long as it is open or mounted.
int attach(const std::filesystem::path& image, std::string& path) {
  const Descriptor file(image, O_RDWR | O_CREAT);
  require(::ftruncate(file.get(), disk_bytes) == 0, "cannot size " + image.string());
  const Descriptor control("/dev/loop-control", O_RDWR);
  for (int attempt = 0;; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    require(number >= 0, "no free loop device");
    path = "/dev/loop" + std::to_string(number);
    const int device = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    require(device >= 0, "cannot open " + path);
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(file.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (::ioctl(device, LOOP_CONFIGURE, &config) == 0) return device;
    ::close(device);
    require(errno == EBUSY && attempt < 10, "cannot attach " + path);  // another process was quicker
  }
}

}  // namespace

std::optional<std::string> PowerCutDisk::why_not() {
  if (::geteuid() != 0) return "cutting the power of a disk needs root";
  if (::access("/dev/loop-control", R_OK | W_OK) != 0) return "there are no loop devices";
  if (run_program({"mkfs.ext4", "-V"}).exit_code != 0) return "mkfs.ext4 is not installed";
  try {
    PowerCutDisk disk(Journaling::ordered);
    disk.cut();
  } catch (const std::exception& error) {
    return "a disk in a file cannot be mounted and shut down: " + std::string(error.what());
  }
  return std::nullopt;
}

PowerCutDisk::PowerCutDisk(Journaling journaling) : journaling_(journaling) {
  keep_mounts_private();
  std::filesystem::create_directory(mounted_);
  device_ = attach(directory_.path() / "image", device_path_);
  const auto made = run_program(
      {"mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-J", "size=16", device_path_});
  if (made.exit_code != 0) throw std::runtime_error("mkfs.ext4: " + made.text);
  mount();
}

PowerCutDisk::~PowerCutDisk() {
  ::umount2(mounted_.c_str(), MNT_DETACH);
  ::close(device_);
}

void PowerCutDisk::mount() const {
  const std::string options =
      std::string("noauto_da_alloc") + (journaling_ == Journaling::writeback ? ",data=writeback" : "");
  require(::mount(device_path_.c_str(), mounted_.c_str(), "ext4", 0, options.c_str()) == 0,
          "cannot mount " + device_path_);
}

void PowerCutDisk::unmount() const {
  // What a killed process had open is let go of a moment after its end.
  for (int attempt = 0; ::umount2(mounted_.c_str(), 0) != 0; ++attempt) {
    require(errno == EBUSY && attempt < 500, "cannot unmount " + mounted_.string());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void PowerCutDisk::write_back_some(std::mt19937_64& random) const {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(mounted_)) {
    if (!entry.is_regular_file() || random() % 4 != 0) continue;
    const Descriptor file(entry.path(), O_RDONLY);
    require(::fsync(file.get()) == 0, "cannot sync " + entry.path().string());
  }
}

void PowerCutDisk::cut() const {
  const Descriptor root(mounted_, O_RDONLY);
  auto flags = shutdown_without_log_flush;
  require(::ioctl(root.get(), shutdown_request, &flags) == 0, "cannot shut down " + mounted_.string());
}

void PowerCutDisk::restart() {
  unmount();
  mount();
}

}  // namespace triune::testing
