#include "hive/relocation.h"

#include "base/try.h"
#include "hive/implementation.h"
#include "hive/schema_upkeep.h"
#include "projection/change_log.h"

namespace triune::hive {
namespace {

constexpr std::size_t row_limit = 100'000;

class StoreRelocation final : public Relocation {
 public:
  StoreRelocation(Implementation& hive, std::unique_ptr<contract::RelationalTransaction> transaction)
      : hive_(hive), transaction_(std::move(transaction)) {}

 private:
  template <class Work>
  auto within(const Work& work) {
    projection::CatalogWriter catalog(hive_.catalog(), session());
    auto result = work(DefinitionContext{session(), catalog, hive_.organization_id()});
    catalog_changed_ = catalog_changed_ || catalog.changed();
    return result;
  }

 public:
  contract::RelationalSession& session() override { return transaction_->session(); }
  Status lock_definitions() override { return hive::lock_definitions(session()); }
  Status trust_rows() override { return transaction_->trust_rows(); }

  Result<RowSet> run(std::string_view statement) override {
    return within(
        [&](const DefinitionContext& context) { return run_user_statement(context, statement, {}, row_limit); });
  }

  Status capture() override {
    return within([&](const DefinitionContext& context) -> Status {
      TRIUNE_TRY(hive::lock_definitions(context.session));
      return keep_up(context);
    });
  }

  Result<Receipt> commit() override {
    TRIUNE_ASSIGN(const std::uint64_t lsn, projection::commit_lsn(session(), hive_.organization_id()));
    TRIUNE_TRY(transaction_->commit());
    hive_.committed(lsn, catalog_changed_);
    return hive_.make_receipt(lsn, 0);
  }

 private:
  Implementation& hive_;
  std::unique_ptr<contract::RelationalTransaction> transaction_;
  bool catalog_changed_ = false;
};

/// Hive::open makes nothing else.
Implementation& behind(Hive& hive) {
  return static_cast<Implementation&>(hive);
}

}  // namespace

Result<std::unique_ptr<Relocation>> begin_relocation(Hive& hive, Deadline deadline) {
  TRIUNE_ASSIGN(auto transaction, behind(hive).store().begin(deadline));
  return std::unique_ptr<Relocation>(std::make_unique<StoreRelocation>(behind(hive), std::move(transaction)));
}

Result<std::unique_ptr<contract::RelationalSession>> read_relocation(Hive& hive, Deadline deadline) {
  return behind(hive).store().read(contract::ReadScope::internal, deadline);
}

QuietProjections::~QuietProjections() {
  behind(hive_).projections().let_go();
}

Status QuietProjections::begin() {
  return behind(hive_).projections().hold();
}

Status QuietProjections::only(std::string_view projection, Deadline deadline) {
  TRIUNE_ASSIGN(const Receipt head, hive_.receipt());
  return behind(hive_).projections().hold_all_but(projection, head.lsn, deadline);
}

std::int64_t organization_of(Hive& hive) {
  return behind(hive).organization_id();
}

}  // namespace triune::hive
