#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/currency.h"
#include "psups/type/v1/money.pb.h"

// Values as the texts in which UPS's JSON has them.
namespace psups::ups_gateway {

// Of UTF-8, as people count.
std::size_t Characters(std::string_view text);

// The digits in `text`.
std::string Digits(std::string_view text);

// 1234 USD as "12.34".
std::string AmountText(const type::v1::Money& money);

// What goods are, in at most three lines of 35 characters: between words if they fit so, else
// wherever a line is full. `text` has at most 105 characters.
std::vector<std::string> DescriptionLines(std::string_view text);

// What is asked for where no format is named.
std::string LabelFormatAsked(std::string_view format);

}  // namespace psups::ups_gateway
