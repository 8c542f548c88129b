// A second translation unit of the same program: values.cpp is the first.
#include <pmqtt/pmqtt.hpp>

const std::error_category &category_of_second_unit()
{
    return pmqtt::category();
}

pmqtt::client client_of_second_unit()
{
    return pmqtt::client("second");
}
