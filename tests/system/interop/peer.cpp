// A Fast DDS process that, for every topic, prints what Python writes, sends it back on `…/echo`, and after the first one
// sends a sample of its own on `…/own`, whose instance it disposes of, where the type has a key, after the last.
// Arguments: the domain, and the number of samples that Python writes on each topic. Exit code 0: all were exchanged.
//
// Most topics are volatile: what is written before both ends know each other is lost. So the writers come after the
// readers know Python's writers, and Python writes once its readers know these writers.
#include <fastdds/dds/core/condition/WaitSet.hpp>
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/Topic.hpp>
#include <fastdds/rtps/transport/UDPv4TransportDescriptor.h>
#include <fastrtps/utils/IPLocator.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include "visitors.hpp"

using namespace eprosima::fastdds::dds;
using eprosima::fastrtps::rtps::IPLocator;
using eprosima::fastrtps::rtps::Locator_t;

namespace {

constexpr int kOwnStart = 5000;
const eprosima::fastrtps::Duration_t kPatience(30, 0);

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "peer: %s\n", what.c_str());
    std::fflush(stdout);
    std::_Exit(1);
}

// Loopback and unicast only: this machine needs neither multicast nor another interface.
DomainParticipantQos loopback_only() {
    Locator_t loopback;
    IPLocator::setIPv4(loopback, "127.0.0.1");
    auto udp = std::make_shared<eprosima::fastdds::rtps::UDPv4TransportDescriptor>();
    udp->interfaceWhiteList.push_back("127.0.0.1");
    DomainParticipantQos qos;
    qos.transport().use_builtin_transports = false;
    qos.transport().user_transports.push_back(udp);
    qos.wire_protocol().builtin.initialPeersList.push_back(loopback);
    qos.wire_protocol().builtin.metatrafficUnicastLocatorList.push_back(loopback);
    return qos;
}

// What these endpoints offer satisfies every profile of the topic table, and they ask for less than any offers.
DataWriterQos writer_qos() {
    DataWriterQos qos;
    qos.reliability().kind = RELIABLE_RELIABILITY_QOS;
    qos.durability().kind = TRANSIENT_LOCAL_DURABILITY_QOS;
    qos.history().depth = 8;
    qos.deadline().period = eprosima::fastrtps::Duration_t(5, 0);
    qos.liveliness().lease_duration = eprosima::fastrtps::Duration_t(1, 0);
    qos.liveliness().announcement_period = eprosima::fastrtps::Duration_t(0, 300000000);
    return qos;
}

DataReaderQos reader_qos() {
    DataReaderQos qos;
    qos.reliability().kind = RELIABLE_RELIABILITY_QOS;
    qos.durability().kind = VOLATILE_DURABILITY_QOS;
    qos.history().depth = 8;
    return qos;
}

class Peer {
public:
    Peer(int domain, int expected) : expected_(expected) {
        participant_ = DomainParticipantFactory::get_instance()->create_participant(domain, loopback_only());
        if (!participant_) fail("no participant");
        publisher_ = participant_->create_publisher(PUBLISHER_QOS_DEFAULT);
        subscriber_ = participant_->create_subscriber(SUBSCRIBER_QOS_DEFAULT);
    }

    template <typename Type, typename Support> void operator()(const std::string& name, bool has_key) {
        TypeSupport support(new Support());
        support.register_type(participant_);
        DataReader* reader = subscriber_->create_datareader(topic(name, support), reader_qos());
        if (!reader) fail(name + ": no reader");
        readers_.push_back(reader);
        exchanges_.push_back([=] {
            DataWriter* echo = writer(topic(name + "/echo", support));
            DataWriter* own = writer(topic(name + "/own", support));
            exchange<Type>(name, has_key, reader, echo, own);
        });
    }

    void run() {
        for (DataReader* reader : readers_) wait_for_writer(reader);
        for (auto& exchange : exchanges_) exchange();
        for (DataWriter* writer : writers_) wait_for_reader(writer);
        for (int round = 0; round < expected_; ++round)
            for (auto& answer : rounds_) answer(round);
        for (auto& goodbye : goodbyes_) goodbye();
        for (DataWriter* writer : writers_) {
            if (writer->wait_for_acknowledgments(kPatience) != ReturnCode_t::RETCODE_OK)
                fail(writer->get_topic()->get_name() + ": not acknowledged");
        }
        participant_->delete_contained_entities();
        DomainParticipantFactory::get_instance()->delete_participant(participant_);
    }

private:
    template <typename Type>
    void exchange(const std::string& name, bool has_key, DataReader* reader, DataWriter* echo, DataWriter* own) {
        Type mine;
        Counter counter(kOwnStart);
        fill(counter, mine);
        rounds_.push_back([=](int round) mutable {
            Type theirs;
            take(name, reader, theirs);
            dump(Path(name + "#" + std::to_string(round)), theirs);
            if (!echo->write(&theirs)) fail(name + ": echo not written");
            if (round == 0 && !own->write(&mine)) fail(name + ": own sample not written");
        });
        if (has_key) {
            goodbyes_.push_back([=]() mutable {
                if (own->dispose(&mine, HANDLE_NIL) != ReturnCode_t::RETCODE_OK) fail(name + ": not disposed of");
            });
        }
    }

    template <typename Type> static void take(const std::string& name, DataReader* reader, Type& sample) {
        SampleInfo info;
        do {
            if (!reader->wait_for_unread_message(kPatience)) fail(name + ": nothing came from Python");
        } while (reader->take_next_sample(&sample, &info) != ReturnCode_t::RETCODE_OK || !info.valid_data);
    }

    Topic* topic(const std::string& name, const TypeSupport& support) {
        Topic* made = participant_->create_topic(name, support.get_type_name(), TOPIC_QOS_DEFAULT);
        if (!made) fail(name + ": no topic");
        return made;
    }

    DataWriter* writer(Topic* topic) {
        DataWriter* made = publisher_->create_datawriter(topic, writer_qos());
        if (!made) fail(topic->get_name() + ": no writer");
        writers_.push_back(made);
        return made;
    }

    static void wait_for_reader(DataWriter* writer) {
        wait_for_match<PublicationMatchedStatus>(
            writer->get_statuscondition(), StatusMask::publication_matched(),
            [=](PublicationMatchedStatus& status) { writer->get_publication_matched_status(status); },
            writer->get_topic()->get_name() + ": Python does not read it");
    }

    static void wait_for_writer(DataReader* reader) {
        wait_for_match<SubscriptionMatchedStatus>(
            reader->get_statuscondition(), StatusMask::subscription_matched(),
            [=](SubscriptionMatchedStatus& status) { reader->get_subscription_matched_status(status); },
            reader->get_topicdescription()->get_name() + ": Python does not write it");
    }

    template <typename Status, typename Read>
    static void wait_for_match(StatusCondition& matched, StatusMask mask, Read read, const std::string& otherwise) {
        matched.set_enabled_statuses(mask);
        WaitSet waiting;
        waiting.attach_condition(matched);
        Status status;
        read(status);
        ConditionSeq active;
        while (status.current_count == 0) {
            if (waiting.wait(active, kPatience) != ReturnCode_t::RETCODE_OK) fail(otherwise);
            read(status);
        }
    }

    int expected_;
    DomainParticipant* participant_;
    Publisher* publisher_;
    Subscriber* subscriber_;
    std::vector<DataReader*> readers_;
    std::vector<DataWriter*> writers_;
    std::vector<std::function<void()>> exchanges_;
    std::vector<std::function<void(int)>> rounds_;
    std::vector<std::function<void()>> goodbyes_;
};

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) fail("arguments: DOMAIN SAMPLES");
    Peer peer(std::atoi(arguments[1]), std::atoi(arguments[2]));
    for_each_topic(peer);
    peer.run();
    return 0;
}
