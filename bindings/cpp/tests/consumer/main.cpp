// Somebody else's program: it knows pmqtt only by its headers and its package.
#include <pmqtt/pmqtt.hpp>

int main()
{
    pmqtt::client client;
    return !client.client_id().empty() && pmqtt::lib_version() == PMQTT_VERSION_NUMBER ? 0 : 1;
}
