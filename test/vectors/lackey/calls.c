#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/uio.h>
#include <sys/socket.h>
#include <sys/sendfile.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <poll.h>
#include <time.h>
#include <string.h>
int sv[2]; pthread_mutex_t m=PTHREAD_MUTEX_INITIALIZER; 
char big[8192];
void*t(void*a){ pthread_mutex_lock(&m); pthread_mutex_unlock(&m); char b[64]; read(sv[1],b,64); usleep(1000); write(sv[1],"yo",2); return 0;}
int main(){
 int f=open("x",O_CREAT|O_RDWR|O_TRUNC,0644), g=open("y",O_CREAT|O_RDWR|O_TRUNC,0644);
 struct iovec v[2]={{big,100},{big+4096,200}};
 write(f,big,8192); writev(f,v,2); pwrite(f,big,10,0); pwritev(f,v,2,0); lseek(f,0,0); readv(f,v,2); pread(f,big,17,0); preadv(f,v,2,0); preadv2(f,v,2,0,0); pwritev2(f,v,2,0,0);
 off_t o=0; sendfile(g,f,&o,500); loff_t p=0; copy_file_range(f,&p,g,0,600,0);
 read(-1,big,1); read(f,(void*)8,4096); write(99,big,5); open("/nonexist",0); read(f,big,0);
 socketpair(AF_UNIX,SOCK_STREAM,0,sv); pthread_mutex_lock(&m); pthread_t h; pthread_create(&h,0,t,0); usleep(2000); pthread_mutex_unlock(&m);
 send(sv[0],"hello",5,0); recv(sv[0],big,100,0); pthread_join(h,0);
 struct msghdr mh={0}; mh.msg_iov=v; mh.msg_iovlen=2; sendmsg(sv[0],&mh,0); recvmsg(sv[1],&mh,0);
 struct mmsghdr mm={0}; mm.msg_hdr=mh; sendmmsg(sv[0],&mm,1,0); recvmmsg(sv[1],&mm,1,0,0);
 struct pollfd pf={sv[0],POLLIN,0}; poll(&pf,1,1); struct timespec ts={0,1000}; ppoll(&pf,1,&ts,0);
 struct timeval tv={0,1000}; select(0,0,0,0,&tv); pselect(0,0,0,0,&ts,0); int e=epoll_create1(0); struct epoll_event ev; epoll_wait(e,&ev,1,1); epoll_pwait(e,&ev,1,1,0);
 nanosleep(&ts,0); clock_nanosleep(CLOCK_MONOTONIC,0,&ts,0);
 mmap(0,4096,3,MAP_PRIVATE|MAP_ANONYMOUS,-1,0); mmap((void*)1,4096,3,MAP_FIXED|MAP_PRIVATE|MAP_ANONYMOUS,-1,0); fsync(f); 
 int pp[2]; pipe(pp); splice(f,&p,pp[1],0,10,0); 
 if(!fork()){ write(f,"c",1); _exit(0);} wait(0);
 close(99); return 0;}
