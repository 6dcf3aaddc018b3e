#include "intake/claude_code/discover.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/try.h"
#include "intake/claude_code/recognise.h"

namespace triune::intake::claude {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t reported_skipped = 100;

class Walk {
 public:
  explicit Walk(Discovery& to) : to_(to) {}

  Status run(const fs::path& root) {
    std::error_code error;
    if (!fs::is_directory(root, error)) {
      add_file(root, {}, true);
      return {};
    }
    folders_.push_back({.path = root, .tree = is_claude_tree(root) ? root : fs::path()});
    if (fs::directory_iterator(root, error); error)
      return failure(ErrorCode::unavailable, fmt::format("{}: {}", root.string(), error.message()));
    while (!folders_.empty()) {
      const Folder folder = folders_.back();
      folders_.pop_back();
      if (is_new(folder.path)) visit(folder);
    }
    return {};
  }

 private:
  struct Folder {
    fs::path path;
    fs::path tree;  // the `.claude/` tree it is in, or empty
  };

  // By device and inode: a link back up, or a second way to the same folder, ends here.
  bool is_new(const fs::path& folder) {
    struct stat status{};
    return ::stat(folder.c_str(), &status) == 0 && seen_.emplace(status.st_dev, status.st_ino).second;
  }

  void visit(const Folder& folder) {
    std::error_code error;
    for (fs::directory_iterator entry(folder.path, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code ignored;
      const fs::path& path = entry->path();
      if (entry->is_directory(ignored)) {
        if (is_foreign_folder(path, !folder.tree.empty()) || leads_up(*entry)) continue;
        folders_.push_back({.path = path, .tree = path.filename() == ".claude" ? path : folder.tree});
      } else if (entry->is_regular_file(ignored)) {
        add_file(path, folder.tree, false);
      }
    }
    if (error) skip(folder.path, error.message());
  }

  // Whether a link leads to a folder that the walk is in: its target would bring in what is outside of the path given.
  static bool leads_up(const fs::directory_entry& entry) {
    std::error_code error;
    if (!entry.is_symlink(error)) return false;
    const auto target = fs::canonical(entry.path(), error);
    const auto place = fs::canonical(entry.path().parent_path(), error);
    if (error) return true;
    const auto [rest, unused] = std::mismatch(target.begin(), target.end(), place.begin(), place.end());
    return rest == target.end();
  }

  void add_file(const fs::path& path, const fs::path& tree, bool named) {
    auto input = recognise(path, tree);
    if (!input) return;
    // A log that was named is one, even when all of it is damaged.
    if (input->kind == InputKind::session_log && !read_log_head(*input) && !named) {
      skip(path, "no line near its start is a record of a session");
      return;
    }
    to_.bytes += input->size;
    to_.inputs.push_back(std::move(*input));
  }

  void skip(const fs::path& path, std::string_view reason) {
    if (to_.skipped.size() < reported_skipped) to_.skipped.push_back(fmt::format("{}: {}", path.string(), reason));
  }

  Discovery& to_;
  std::vector<Folder> folders_;
  std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

Result<Discovery> discover(const fs::path& path) {
  std::error_code error;
  const auto root = fs::canonical(path, error);
  if (error) return failure(ErrorCode::not_found, fmt::format("{}: {}", path.string(), error.message()));
  Discovery found;
  Walk walk(found);
  TRIUNE_TRY(walk.run(root));
  if (found.inputs.empty())
    return failure(
        ErrorCode::not_found,
        fmt::format("{} holds nothing that Claude Code writes; give ~/.claude, a folder of its projects, a folder "
                    "with a .claude folder in it, or a session log (.jsonl)",
                    path.string()));
  // A resumed or forked session repeats lines of an older one, to which they belong.
  std::sort(found.inputs.begin(), found.inputs.end(), [](const Input& left, const Input& right) {
    return std::tie(left.kind, left.first_at, left.last_at, left.path) <
           std::tie(right.kind, right.first_at, right.last_at, right.path);
  });
  return found;
}

}  // namespace triune::intake::claude
