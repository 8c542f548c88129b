/* Somebody else's program: it knows pmqtt only by its header and its package. */
#include <pmqtt.h>
#include <stdio.h>

int main(void)
{
    printf("libpmqtt %d\n", pmqtt_lib_version());
    return pmqtt_lib_version() == PMQTT_VERSION_NUMBER ? 0 : 1;
}
