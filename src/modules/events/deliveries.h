// Events on their way to subscribers: claimed for a time, acknowledged once, tried again later.
//
//   waiting ─claim─▶ claimed ─acknowledge─▶ delivered
//      ▲                │ fail, or the lease ends
//      └──attempts left─┴──no attempt left──▶ dead ─revive─▶ waiting
#pragma once

#include "modules/kit/module.h"
#include "triune/modules/events.h"

namespace triune::modules::events {

/// Thread rule: any thread.
class Deliveries {
 public:
  explicit Deliveries(const Module& module) : module_(module) {}

  Result<std::vector<EventDelivery>> claim(std::string_view subscription, std::string_view worker, std::size_t limit,
                                           const Actor& actor);
  Status acknowledge(const EventDelivery& delivery, const Json& response, const Actor& actor);
  Status fail(const EventDelivery& delivery, std::string_view error, const Actor& actor);
  Result<std::vector<DeliveryCount>> count(std::string_view subscription);
  Result<std::uint64_t> revive(std::string_view subscription, const Actor& actor);

 private:
  Status end(const EventDelivery& delivery, std::string_view assignments, std::vector<Value> values,
             const Actor& actor);

  const Module& module_;
};

}  // namespace triune::modules::events
