#pragma once

#include <string>
#include <string_view>

namespace psups::ups_sandbox {

// The check digit of the 15 characters between "1Z" and the last.
char CheckDigit(std::string_view fifteen);

// 1Z, account, two characters of the service, seven digits of `serial`, check digit.
std::string MakeTrackingNumber(const std::string& account, const std::string& service, int serial);

// Upper case and of a 1Z number's shape; its check digit is not looked at.
bool LooksLike1Z(std::string_view number);

// Of a shape that Track Alert takes: 1Z or 1R.
bool CanBeSubscribed(std::string_view number);

}  // namespace psups::ups_sandbox
