#include "world/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

long long
clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

long long
clock_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

long long
clock_in(unsigned seconds)
{
	return clock_now() + 1000LL * seconds;
}

long long
clock_earlier(long long a, long long b)
{
	return a < b ? a : b;
}

int
clock_wait(struct pollfd *polls, size_t count, long long deadline)
{
	long long left;
	int ready;

	do {
		left = deadline - clock_now();
		if (left < 0)
			left = 0;
		if (left > INT_MAX)
			left = INT_MAX;
		ready = poll(polls, (nfds_t)count, (int)left);
	} while (ready == -1 && errno == EINTR);
	return ready;
}

int
clock_wait_readable(int fd, long long deadline)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};

	return clock_wait(&polled, 1, deadline);
}
