//! Tests of `modbus`.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_modbus::Request;
use tokio_modbus::Slave;
use tokio_modbus::client::{Client as _, Context, Reader as _, Writer as _, tcp};
use tokio_modbus::slave::SlaveContext as _;

use super::*;
use crate::clock::PlantClock;
use tokio_modbus::ExceptionCode;

const PATIENCE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(300);

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn device() -> (ModbusDevice, SharedPlant) {
    let plant = SharedPlant::new(11);
    let device = ModbusDevice::start(any_port(), plant.clone())
        .await
        .unwrap();
    (device, plant)
}

async fn client(device: &ModbusDevice, unit: u8) -> Context {
    tcp::connect_slave(device.address(), Slave(unit))
        .await
        .unwrap()
}

#[tokio::test]
async fn every_function_code_round_trips() {
    let (device, plant) = device().await;
    let mut client = client(&device, 1).await;
    plant.with(|plant| plant.step(Duration::from_secs(20)));
    let seen = plant.snapshot();

    let words = client.read_input_registers(0, 23).await.unwrap().unwrap();
    assert!((f64::from(words[0].cast_signed()) / 10.0 - seen.temperature).abs() <= 0.05);
    let flow = f32::from_bits(u32::from(words[1]) << 16 | u32::from(words[2]));
    assert!((f64::from(flow) - seen.flow).abs() < 0.001);
    assert_eq!(
        u32::from(words[3]) << 16 | u32::from(words[4]),
        seen.counter
    );
    assert_eq!(words[5], u16::from(seen.state.code()));
    let speed = f32::from_bits(u32::from(words[7]) << 16 | u32::from(words[8]));
    assert!((f64::from(speed) - seen.speed).abs() < 0.001);
    let energy = words[9..13]
        .iter()
        .fold(0, |sum, word| sum << 16 | i64::from(*word));
    assert_eq!(energy, seen.energy);
    let text: Vec<u8> = words[13..21]
        .iter()
        .flat_map(|word| word.to_be_bytes())
        .collect();
    assert_eq!(
        String::from_utf8(text).unwrap().trim_end_matches('\0'),
        seen.batch
    );
    assert_eq!([words[22], words[21]], [words[1], words[2]]);

    let inputs = client.read_discrete_inputs(0, 2).await.unwrap().unwrap();
    assert_eq!(inputs, [true, false]);
    client.write_single_register(0, 805).await.unwrap().unwrap();
    let setpoint = client.read_holding_registers(0, 1).await.unwrap().unwrap();
    assert_eq!(setpoint, [805]);
    let bits = 1500.0_f32.to_bits();
    let words = [(bits >> 16) as u16, bits as u16];
    client
        .write_multiple_registers(10, &words)
        .await
        .unwrap()
        .unwrap();
    assert!((plant.snapshot().speed_setpoint - 1500.0).abs() < f64::EPSILON);
    client.write_single_coil(0, false).await.unwrap().unwrap();
    assert_eq!(client.read_coils(0, 1).await.unwrap().unwrap(), [false]);
    let bits = [true, false, true];
    client
        .write_multiple_coils(100, &bits)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(client.read_coils(100, 3).await.unwrap().unwrap(), bits);
    device.stop().await;
}

#[tokio::test]
async fn refused_requests_answer_an_exception_and_count_nothing() {
    let (device, plant) = device().await;
    let mut client = client(&device, 1).await;
    let illegal_address = Err(ExceptionCode::IllegalDataAddress);
    assert_eq!(
        client.read_input_registers(23, 1).await.unwrap(),
        illegal_address
    );
    assert_eq!(
        client.read_input_registers(22, 2).await.unwrap(),
        illegal_address
    );
    assert_eq!(
        client.read_holding_registers(u16::MAX, 2).await.unwrap(),
        illegal_address
    );
    assert_eq!(
        client.write_multiple_registers(0, &[1, 2]).await.unwrap(),
        Err(ExceptionCode::IllegalDataAddress)
    );
    let illegal_value = Err(ExceptionCode::IllegalDataValue);
    assert_eq!(
        client.write_single_register(0, 2501).await.unwrap(),
        illegal_value
    );
    assert_eq!(
        client.read_holding_registers(100, 0).await.unwrap(),
        Err(ExceptionCode::IllegalDataValue)
    );
    let mask = Request::MaskWriteRegister(0, 0, 0);
    assert_eq!(
        client.call(mask).await.unwrap(),
        Err(ExceptionCode::IllegalFunction)
    );
    client.set_slave(Slave(9));
    assert_eq!(
        client.read_coils(0, 1).await.unwrap(),
        Err(ExceptionCode::GatewayTargetDevice)
    );
    assert_eq!(device.write_count(1, Table::HoldingRegisters, 0), 0);
    assert!((plant.snapshot().temperature_setpoint - 60.0).abs() < f64::EPSILON);
    device.stop().await;
}

#[tokio::test]
async fn writes_are_counted_per_unit_and_address() {
    let plants = [(1, SharedPlant::new(1)), (7, SharedPlant::new(2))];
    let device = ModbusDevice::start_gateway(any_port(), plants)
        .await
        .unwrap();
    let mut client = client(&device, 7).await;
    client.write_single_register(0, 500).await.unwrap().unwrap();
    client
        .write_multiple_registers(100, &[1, 2, 3])
        .await
        .unwrap()
        .unwrap();
    client.write_single_register(101, 9).await.unwrap().unwrap();
    client.write_single_coil(0, true).await.unwrap().unwrap();
    let counts = |unit, at| device.write_count(unit, Table::HoldingRegisters, at);
    assert_eq!(
        [counts(7, 0), counts(7, 100), counts(7, 101), counts(7, 103)],
        [1, 1, 2, 0]
    );
    assert_eq!(counts(1, 0), 0);
    assert_eq!(device.write_count(7, Table::Coils, 0), 1);
    assert_eq!(device.request_count(), 4);
    device.stop().await;
}

#[tokio::test]
async fn a_frozen_device_is_silent_and_does_nothing() {
    let (device, _plant) = device().await;
    device.faults().freeze();
    let mut frozen = client(&device, 1).await;
    assert!(
        timeout(SILENCE, frozen.write_single_register(0, 700))
            .await
            .is_err()
    );
    device.faults().thaw();
    let mut fresh = client(&device, 1).await;
    assert_eq!(
        fresh.read_holding_registers(0, 1).await.unwrap().unwrap(),
        [600]
    );
    assert_eq!(device.write_count(1, Table::HoldingRegisters, 0), 0);
    device.stop().await;
}

#[tokio::test]
async fn one_frozen_unit_leaves_the_others_alone() {
    let plants = [(1, SharedPlant::new(1)), (2, SharedPlant::new(2))];
    let device = ModbusDevice::start_gateway(any_port(), plants)
        .await
        .unwrap();
    device.faults().freeze_unit(2);
    let mut one = client(&device, 1).await;
    let mut two = client(&device, 2).await;
    assert!(timeout(SILENCE, two.read_coils(0, 1)).await.is_err());
    assert!(one.read_coils(0, 1).await.unwrap().is_ok());
    device.stop().await;
}

#[tokio::test]
async fn a_refusing_device_closes_connections() {
    let (device, _plant) = device().await;
    let mut open = client(&device, 1).await;
    assert!(open.read_coils(0, 1).await.unwrap().is_ok());
    device.faults().refuse();
    assert!(
        timeout(PATIENCE, open.read_coils(0, 1))
            .await
            .unwrap()
            .is_err()
    );
    let mut late = client(&device, 1).await;
    assert!(
        timeout(PATIENCE, late.read_coils(0, 1))
            .await
            .unwrap()
            .is_err()
    );
    device.faults().accept();
    let mut welcome = client(&device, 1).await;
    assert!(welcome.read_coils(0, 1).await.unwrap().is_ok());
    device.stop().await;
}

#[tokio::test]
async fn one_bad_address_spoils_only_requests_that_touch_it() {
    let (device, _plant) = device().await;
    let busy = ExceptionCode::ServerDeviceBusy;
    device
        .faults()
        .fail_address(1, Table::InputRegisters, 3, busy);
    let mut client = client(&device, 1).await;
    assert_eq!(client.read_input_registers(0, 5).await.unwrap(), Err(busy));
    assert!(client.read_input_registers(0, 3).await.unwrap().is_ok());
    assert!(client.read_input_registers(4, 2).await.unwrap().is_ok());
    device.faults().clear_address(1, Table::InputRegisters, 3);
    assert!(client.read_input_registers(0, 5).await.unwrap().is_ok());
    device.stop().await;
}

#[tokio::test]
async fn a_written_setpoint_acts_within_seconds() {
    let (device, plant) = device().await;
    let clock = PlantClock::start(vec![plant]);
    let mut client = client(&device, 1).await;
    client
        .write_single_register(0, 1200)
        .await
        .unwrap()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let words = client.read_input_registers(0, 1).await.unwrap().unwrap();
        if words[0].cast_signed() > 700 {
            break;
        }
        assert!(Instant::now() < deadline, "still at {}", words[0]);
    }
    clock.stop().await;
    device.stop().await;
}

#[tokio::test]
async fn stop_closes_connections_and_frees_the_port() {
    let (device, plant) = device().await;
    let address = device.address();
    device.faults().delay(Duration::from_secs(60));
    let mut open = client(&device, 1).await;
    assert!(timeout(SILENCE, open.read_coils(0, 1)).await.is_err());
    timeout(PATIENCE, device.stop()).await.unwrap();
    let again = ModbusDevice::start(address, plant).await.unwrap();
    assert_eq!(again.address(), address);
    again.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let (device, plant) = device().await;
    let error = ModbusDevice::start(device.address(), plant)
        .await
        .unwrap_err();
    assert!(error.to_string().contains(&device.address().to_string()));
    device.stop().await;
}

#[tokio::test]
async fn more_connections_than_allowed_are_closed() {
    let (device, _plant) = device().await;
    let mut clients = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        let mut client = client(&device, 1).await;
        assert!(client.read_coils(0, 1).await.unwrap().is_ok());
        clients.push(client);
    }
    let mut extra = client(&device, 1).await;
    assert!(
        timeout(PATIENCE, extra.read_coils(0, 1))
            .await
            .unwrap()
            .is_err()
    );
    assert!(clients[0].read_coils(0, 1).await.unwrap().is_ok());
    device.stop().await;
}
