// A program of another project: it knows only the headers and the package of pmqtt.
#include <pmqtt/pmqtt.hpp>

int main()
{
    pmqtt::client client;
    return !client.client_id().empty() && pmqtt::lib_version() == PMQTT_VERSION_NUMBER ? 0 : 1;
}
